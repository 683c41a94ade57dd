import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { runner } from 'node-pg-migrate';
import { MINIMUM_POSTGRES } from '../defaults.ts';
import { LockkeeperError, errorMessage } from '../errors.ts';
import type { Logger } from '../log.ts';

const MIGRATIONS = fileURLToPath(new URL('./migrations', import.meta.url));
/** The number of breaking ledger migrations this code knows. */
export const BREAKING = 1;

/**
 * Brings the ledger's schema up to date; does nothing when it is.
 * @throws {LockkeeperError} LEDGER_UNREACHABLE, LEDGER_SCHEMA
 */
export async function migrateLedger(databaseUrl: string, log: Logger): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'lockkeeper-migrate' });
  client.on('error', (error) => log.debug({ err: error }, 'connection of the migration lost'));
  try {
    await client.connect();
  } catch (error) {
    throw new LockkeeperError('LEDGER_UNREACHABLE', `the ledger's Postgres does not answer: ${errorMessage(error)}`, {
      next: 'Check DATABASE_URL and that the server runs',
      cause: error,
    });
  }
  try {
    await migrateOn(client, log);
  } finally {
    await client.end();
  }
}

/** The same on a connection that is open, and stays so. */
export async function migrateOn(client: pg.ClientBase, log: Logger): Promise<void> {
  await refuseOldServer(client);
  await runner({
    dbClient: client,
    dir: MIGRATIONS,
    direction: 'up',
    migrationsTable: '_migrations',
    migrationsSchema: 'lockkeeper',
    createMigrationsSchema: true,
    advisoryLockMode: 'wait',
    logger: {
      debug: (m) => log.debug(m),
      info: (m) => log.debug(m),
      warn: (m) => log.warn(m),
      error: (m) => log.error(m),
    },
  });
}

async function refuseOldServer(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int / 10000 as version`,
  );
  const version = rows[0]?.version ?? 0;
  if (version < MINIMUM_POSTGRES) {
    throw new LockkeeperError(
      'LEDGER_SCHEMA',
      `the ledger's Postgres is version ${version}, at least ${MINIMUM_POSTGRES} is needed`,
    );
  }
}
