import { connectTemporal } from '../client/connection.ts';
import type { TemporalConnection } from '../client/connection.ts';
import { temporalConfig } from '../client/temporal-config.ts';
import { LockkeeperError } from '../errors.ts';
import { checkLedger } from '../ledger/check-ledger.ts';
import { checkDatabaseUrl } from '../ledger/database-url.ts';
import { checkOwner } from '../ledger/identity.ts';
import { openLedger } from '../ledger/pool.ts';
import type { Ledger } from '../ledger/pool.ts';
import { createLogger } from '../log.ts';
import { allOrErrors } from './all-or-errors.ts';

export interface Connections {
  readonly temporal: TemporalConnection;
  readonly ledger: Ledger;
}

/** @throws {LockkeeperError} USAGE */
export function databaseUrl(env: NodeJS.ProcessEnv = process.env): string {
  const url = env['DATABASE_URL'];
  if (url) return checkDatabaseUrl(url);
  throw new LockkeeperError('USAGE', "DATABASE_URL is not set, it must be the URL of the ledger's Postgres", {
    next: '`lockkeeper dev` brings one and prints the line to copy',
  });
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
  const { namespace } = temporalConfig();
  const log = createLogger();
  await checkLedger(url, applicationName, log);
  return openLedger({ databaseUrl: url, namespace, applicationName, log });
}
