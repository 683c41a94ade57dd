import { loadClientConnectConfig } from '@temporalio/envconfig';
import { connectTemporal } from '../client/connection.ts';
import type { TemporalConnection } from '../client/connection.ts';
import { LockkeeperError, errorMessage } from '../errors.ts';
import { databaseUrl } from '../ledger/database-url.ts';
import { openLedger } from '../ledger/pool.ts';
import type { Ledger } from '../ledger/pool.ts';
import { createLogger } from '../log.ts';

export interface Connections {
  readonly temporal: TemporalConnection;
  readonly ledger: Ledger;
}

/** Connects to Temporal for as long as `body` runs. */
export async function withTemporal<T>(body: (temporal: TemporalConnection) => Promise<T>): Promise<T> {
  const temporal = await connectTemporal();
  try {
    return await body(temporal);
  } finally {
    await temporal.connection.close();
  }
}

/** Opens the ledger for as long as `body` runs; Temporal is only asked for its namespace's name, not contacted. */
export async function withLedger<T>(
  body: (ledger: Ledger) => Promise<T>,
  applicationName = 'lockkeeper cli',
): Promise<T> {
  const namespace = loadClientConnectConfig().namespace ?? 'default';
  const ledger = openLedger({ databaseUrl: databaseUrl(), namespace, applicationName, log: createLogger() });
  try {
    await expectSchema(ledger);
    return await body(ledger);
  } finally {
    await ledger.close();
  }
}

/** Both. The ledger first: it says sooner when it is not there. */
export function withBoth<T>(body: (connections: Connections) => Promise<T>, applicationName?: string): Promise<T> {
  return withLedger((ledger) => withTemporal((temporal) => body({ temporal, ledger })), applicationName);
}

/** Every other query may then expect its tables. */
async function expectSchema(ledger: Ledger): Promise<void> {
  let found: boolean | undefined;
  try {
    const { rows } = await ledger.pool.query<{ found: boolean }>(
      `select to_regclass('lockkeeper._ledger') is not null as found`,
    );
    found = rows[0]?.found;
  } catch (error) {
    throw new LockkeeperError('LEDGER_UNREACHABLE', `the ledger's Postgres does not answer: ${errorMessage(error)}`, {
      next: 'Check DATABASE_URL and that the server runs',
      cause: error,
    });
  }
  if (found) return;
  throw new LockkeeperError('LEDGER_SCHEMA', 'the database has no lockkeeper schema', {
    next: 'Run `lockkeeper ledger migrate`',
  });
}
