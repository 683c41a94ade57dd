import { connectTemporal } from '../client/connection.ts';
import type { TemporalConnection } from '../client/connection.ts';
import { temporalConfig } from '../client/temporal-config.ts';
import { databaseUrl } from '../ledger/database-url.ts';
import { checkOwner } from '../ledger/identity.ts';
import { ledgerError } from '../ledger/ledger-errors.ts';
import { openLedger } from '../ledger/pool.ts';
import type { Ledger } from '../ledger/pool.ts';
import { checkSchema } from '../ledger/schema.ts';
import { createLogger } from '../log.ts';
import { allOrErrors } from './all-or-errors.ts';

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
export async function withLedger<T>(body: (ledger: Ledger) => Promise<T>, applicationName?: string): Promise<T> {
  const ledger = await openChecked(applicationName);
  try {
    return await body(ledger);
  } finally {
    await ledger.close();
  }
}

/** Both; what is wrong with either is said at once. */
export async function withBoth<T>(
  body: (connections: Connections) => Promise<T>,
  applicationName?: string,
): Promise<T> {
  // Before anybody is waited for.
  await allOrErrors({ start: () => databaseUrl() }, { start: () => temporalConfig() });
  const [ledger, temporal] = await allOrErrors(
    { start: () => openChecked(applicationName), undo: (opened: Ledger) => opened.close() },
    { start: () => connectTemporal(), undo: ({ connection }: TemporalConnection) => connection.close() },
  );
  try {
    await checkOwner(ledger, temporal.clusterId);
    return await body({ temporal, ledger });
  } finally {
    await temporal.connection.close();
    await ledger.close();
  }
}

async function openChecked(applicationName = 'lockkeeper cli'): Promise<Ledger> {
  const url = databaseUrl();
  const ledger = openLedger({
    databaseUrl: url,
    namespace: temporalConfig().namespace,
    applicationName,
    log: createLogger(),
  });
  try {
    await checkSchema(ledger.pool);
    return ledger;
  } catch (error) {
    await ledger.close();
    throw ledgerError(error, url);
  }
}
