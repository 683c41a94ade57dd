import pg from 'pg';
import type { Logger } from '../log.ts';
import { checkDatabaseUrl } from './database-url.ts';
import { ledgerError } from './ledger-errors.ts';
import { checkSchema } from './schema.ts';

/** How long to wait for the connection, milliseconds. */
const CONNECT_WITHIN = 5_000;

/**
 * Makes sure that there is a ledger that fits this code. On a connection of its own: a pool does not let go of one whose
 * server asked for a password that is not there, and the process would not end.
 * @throws {LockkeeperError} USAGE, LEDGER_UNREACHABLE, LEDGER_DENIED, LEDGER_DATABASE_MISSING, LEDGER_SCHEMA, POSTGRES_TOO_OLD
 */
export async function checkLedger(databaseUrl: string, applicationName: string, log: Logger): Promise<void> {
  const client = new pg.Client({
    connectionString: checkDatabaseUrl(databaseUrl),
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_WITHIN,
  });
  client.on('error', (error) => log.debug({ err: error }, 'the first connection to the ledger was lost'));
  try {
    await client.connect();
    await checkSchema(client);
  } catch (error) {
    throw ledgerError(error, databaseUrl);
  } finally {
    await client.end();
  }
}
