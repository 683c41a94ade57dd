import pg from 'pg';
import { runner } from 'node-pg-migrate';
import type { Logger } from '../log.ts';
import { checkDatabaseUrl } from './database-url.ts';
import { ledgerError } from './ledger-errors.ts';
import { grantRoles, ownsLedger } from './roles.ts';
import type { LedgerRoles } from './roles.ts';
import { MIGRATIONS, lackingMigrations, refuseNewer } from './schema.ts';

/**
 * Brings the ledger's schema up to date, and gives its roles their rights. Undefined: it is up to date, and who asks is not its
 * owner, so nothing was done.
 * @throws {LockkeeperError} USAGE, LEDGER_UNREACHABLE, LEDGER_DENIED, LEDGER_DATABASE_MISSING, LEDGER_SCHEMA, POSTGRES_TOO_OLD
 */
export async function migrateLedger(databaseUrl: string, log: Logger): Promise<LedgerRoles | undefined> {
  const client = new pg.Client({
    connectionString: checkDatabaseUrl(databaseUrl),
    application_name: 'lockkeeper-migrate',
  });
  client.on('error', (error) => log.debug({ err: error }, 'connection of the migration lost'));
  try {
    await client.connect();
    return await migrateOn(client, log);
  } catch (error) {
    throw ledgerError(error, databaseUrl);
  } finally {
    await client.end();
  }
}

/**
 * The same on a connection that is open, and stays so.
 * @throws {LockkeeperError} LEDGER_SCHEMA, POSTGRES_TOO_OLD
 */
export async function migrateOn(client: pg.ClientBase, log: Logger): Promise<LedgerRoles | undefined> {
  const found = await refuseNewer(client);
  if (found && !(await ownsLedger(client)) && (await lackingMigrations(client)).length === 0) return undefined;
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
  return grantRoles(client);
}
