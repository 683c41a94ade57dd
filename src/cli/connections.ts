import { loadClientConnectConfig } from '@temporalio/envconfig';
import { connectTemporal } from '../client/connection.ts';
import type { TemporalConnection } from '../client/connection.ts';
import { LockkeeperError, errorMessage } from '../errors.ts';
import { openLedger } from '../ledger/pool.ts';
import type { Ledger, LedgerOptions } from '../ledger/pool.ts';
import { createLogger } from '../log.ts';

export interface Connections {
  readonly temporal: TemporalConnection;
  readonly ledger: Ledger;
}

/** Nobody waits longer for a ledger that only adds to the picture, milliseconds. */
const GLANCE = 2_000;

/** @throws {LockkeeperError} USAGE */
export function databaseUrl(env: NodeJS.ProcessEnv = process.env): string {
  const url = env['DATABASE_URL'];
  if (url) return url;
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

/**
 * The ledger as long as `body` runs, where DATABASE_URL names one. For what makes a picture fuller: nothing may depend on it,
 * and whether it is there shows only when it is asked.
 */
export async function withLedgerIfThere<T>(body: (ledger: Ledger | undefined) => Promise<T>): Promise<T> {
  if (!process.env['DATABASE_URL']) return body(undefined);
  const ledger = open({ queryTimeoutMs: GLANCE });
  try {
    return await body(ledger);
  } finally {
    await ledger.close();
  }
}

/** Opens the ledger for as long as `body` runs; Temporal is only asked for its namespace's name, not contacted. */
export async function withLedger<T>(
  body: (ledger: Ledger) => Promise<T>,
  options: Partial<LedgerOptions> = {},
): Promise<T> {
  const ledger = open(options);
  try {
    await expectSchema(ledger);
    return await body(ledger);
  } finally {
    await ledger.close();
  }
}

/** Both. The ledger first: it says sooner when it is not there. */
export function withBoth<T>(
  body: (connections: Connections) => Promise<T>,
  options?: Partial<LedgerOptions>,
): Promise<T> {
  return withLedger((ledger) => withTemporal((temporal) => body({ temporal, ledger })), options);
}

function open(options: Partial<LedgerOptions>): Ledger {
  const namespace = loadClientConnectConfig().namespace ?? 'default';
  return openLedger({
    databaseUrl: databaseUrl(),
    namespace,
    applicationName: 'lockkeeper cli',
    log: createLogger(),
    ...options,
  });
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
