import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { PostgresHome } from './postgres-home.ts';

export const SUPERUSER = 'postgres';

export interface Cluster {
  readonly data: string;
  readonly password: string;
}

/** The data directory of `home`, made on the first start, with a random password that only the owner of `home` can read. */
export async function openCluster(home: PostgresHome, durable: boolean): Promise<Cluster> {
  const data = join(home.path, 'data');
  const password = await keptPassword(join(home.path, 'password'));
  if (!(await exists(join(data, 'PG_VERSION')))) await initialise(home, data, password, durable);
  return { data, password };
}

/**
 * A killed Postgres leaves postmaster.pid behind. It copes with that by itself, unless the pid in it is alive again as
 * somebody else, or still there as a zombie: then it would refuse to start. The caller knows that the server is gone,
 * so that pid is replaced by one that cannot exist. Deleting the file would also delete the id of the shared memory
 * in it, by which Postgres sees that an orphaned backend still works on the data.
 */
export async function releaseStalePid(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!(await exists(file))) return;
  const [, ...rest] = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, ['2147483646', ...rest].join('\n'));
}

async function keptPassword(file: string): Promise<string> {
  if (!(await exists(file))) {
    const fresh = `${file}.new`;
    await writeFile(fresh, randomBytes(24).toString('base64url'), { mode: 0o600 });
    await rename(fresh, file);
  }
  return readFile(file, 'utf8');
}

/** Under another name first: an interrupted initdb leaves nothing that looks like data. */
async function initialise(home: PostgresHome, data: string, password: string, durable: boolean): Promise<void> {
  const leftOver = (await readdir(home.path)).filter((name) => name.startsWith('init-'));
  for (const name of leftOver) await rm(join(home.path, name), { recursive: true, force: true, maxRetries: 5 });

  const fresh = await mkdtemp(join(home.path, 'init-'));
  const passwordFile = `${fresh}.password`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  for (const path of home.user ? [fresh, passwordFile] : [])
    await chown(path, home.user?.uid ?? 0, home.user?.gid ?? 0);

  const options = ['--pgdata', fresh, '--username', SUPERUSER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'];
  // The same on every machine, whatever locales it has.
  const locale = ['--encoding', 'UTF8', '--no-locale', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'];
  try {
    await execa(home.binaries.initdb, [...options, ...locale, ...(durable ? [] : ['--no-sync'])], {
      ...home.user,
      cwd: home.path,
    });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(fresh, data);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
