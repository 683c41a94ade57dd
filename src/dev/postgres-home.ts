import { execFileSync } from 'node:child_process';
import { chmod, cp, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresBinaries } from './postgres-binaries.ts';

/** Whom Postgres runs as. It refuses to run as root, so root gives it another user; everybody else is that user. */
export type ServerUser = { readonly uid: number; readonly gid: number } | undefined;

export interface PostgresHome {
  /** Holds the data, the password, and the programs when they had to be copied. */
  readonly path: string;
  readonly user: ServerUser;
  readonly binaries: PostgresBinaries;
}

/**
 * A directory that the server's user can reach, in `dir` where that is possible. As root it often is not: nobody else may
 * enter /root. Then the data lives in a temporary directory, and `dir` remembers which, so that deleting `dir` still
 * means starting anew.
 */
export async function postgresHome(
  dir: string,
  installed: PostgresBinaries,
  log: (line: string) => void,
): Promise<PostgresHome> {
  const user = serverUser();
  let path = join(dir, 'postgres');
  await mkdir(path, { recursive: true });
  if (user) {
    await chmod(path, 0o711);
    if (!canReach(path, user)) path = await relocated(path, user, log);
  }
  const reachable = !user || canReach(installed.postgres, user);
  return { path, user, binaries: reachable ? installed : await copied(installed, path) };
}

function serverUser(): ServerUser {
  if (process.getuid?.() !== 0) return undefined;
  // A machine without a user for Postgres has at least this one; nothing is added to the machine.
  const name = hasUser('postgres') ? 'postgres' : 'nobody';
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function hasUser(name: string): boolean {
  return succeeds(() => execFileSync('id', ['-u', name], { stdio: 'ignore' }));
}

function canReach(path: string, user: NonNullable<ServerUser>): boolean {
  return succeeds(() =>
    execFileSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', path], { ...user, cwd: '/', stdio: 'ignore' }),
  );
}

function succeeds(command: () => void): boolean {
  try {
    command();
    return true;
  } catch (error) {
    if (typeof (error as { status?: unknown }).status === 'number') return false;
    throw error;
  }
}

async function relocated(wanted: string, user: NonNullable<ServerUser>, log: (line: string) => void): Promise<string> {
  const pointer = join(wanted, 'moved-to');
  const before = await readFile(pointer, 'utf8').catch(undefinedIfMissing);
  if (before !== undefined && (await isOurs(before))) return before;

  // Unlike /tmp, /var/tmp outlives a reboot.
  const base = canReach('/var/tmp', user) ? '/var/tmp' : tmpdir();
  const path = await mkdtemp(join(base, 'lockkeeper-postgres-'));
  await chmod(path, 0o711);
  if (!canReach(path, user)) {
    throw new Error(
      `uid ${user.uid}, whom Postgres runs as, can enter neither ${wanted} nor ${path}; use another user than root`,
    );
  }
  await writeFile(pointer, path);
  log(`Postgres data is in ${path}: uid ${user.uid}, whom it runs as instead of root, cannot enter ${wanted}`);
  return path;
}

async function isOurs(path: string): Promise<boolean> {
  const found = await lstat(path).catch(undefinedIfMissing);
  return found !== undefined && found.isDirectory() && found.uid === process.getuid?.();
}

/** A copy at each start (60 MB, a moment) is always that of the installed version. */
async function copied(installed: PostgresBinaries, home: string): Promise<PostgresBinaries> {
  const root = join(home, 'programs');
  await rm(root, { recursive: true, force: true });
  await cp(installed.root, root, { recursive: true, verbatimSymlinks: true });
  execFileSync('chmod', ['-R', 'a+rX', root]);
  const moved = (path: string) => path.replace(installed.root, root);
  return { initdb: moved(installed.initdb), postgres: moved(installed.postgres), root };
}

function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
