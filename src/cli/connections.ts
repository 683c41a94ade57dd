import { connectTemporal } from '../client/connection.ts';
import { JobClient } from '../client/job-client.ts';
import type { TemporalConnection } from '../client/connection.ts';
import { temporalConfig } from '../client/temporal-config.ts';
import { keyringOf } from '../crypto/encryption.ts';
import type { Encryption } from '../crypto/encryption.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { checkLedger } from '../ledger/check-ledger.ts';
import { databaseUrl } from '../ledger/database-url.ts';
import { checkOwner } from '../ledger/identity.ts';
import { openLedger } from '../ledger/pool.ts';
import type { Ledger, LedgerOptions } from '../ledger/pool.ts';
import { createLogger } from '../log.ts';
import { allOrErrors } from './all-or-errors.ts';
import { encryptionIfThere } from './encryption.ts';

export interface Connections {
  readonly temporal: TemporalConnection;
  readonly ledger: Ledger;
}

/** For commands that have to do with jobs. */
export interface JobConnections extends Connections {
  readonly jobs: JobClient;
  /** What it opens is shown; the rest says that it is encrypted. */
  readonly keyring: Keyring | undefined;
}

/** How the ledger's Postgres sees a command. */
const APPLICATION = 'lockkeeper cli';
/** Nobody waits longer for a ledger that only adds to the picture, milliseconds. */
const GLANCE = 2_000;

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
  const ledger = await openChecked(options);
  try {
    return await body(ledger);
  } finally {
    await ledger.close();
  }
}

/** Both; what is wrong with either is said at once. */
export async function withBoth<T>(
  body: (connections: Connections) => Promise<T>,
  options: Partial<LedgerOptions> = {},
): Promise<T> {
  // Before anybody is waited for.
  await allOrErrors({ start: () => databaseUrl() }, { start: () => temporalConfig() });
  const [ledger, temporal] = await allOrErrors(
    { start: () => openChecked(options), undo: (opened: Ledger) => opened.close() },
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

/** Both, and the keys: those given, or the ones that are found; without any, what is encrypted is not shown. */
export async function withJobs<T>(
  body: (connections: JobConnections) => Promise<T>,
  { encryption, ...options }: Partial<LedgerOptions> & { readonly encryption?: Encryption } = {},
): Promise<T> {
  const known = encryption ?? (await encryptionIfThere());
  const keyring = keyringOf(known);
  return withBoth(
    (both) => body({ ...both, keyring, jobs: new JobClient(both.temporal.client, both.ledger, known) }),
    options,
  );
}

function open(options: Partial<LedgerOptions>): Ledger {
  return openLedger({
    databaseUrl: databaseUrl(),
    namespace: temporalConfig().namespace,
    applicationName: APPLICATION,
    log: createLogger(),
    ...options,
  });
}

async function openChecked(options: Partial<LedgerOptions>): Promise<Ledger> {
  await checkLedger(databaseUrl(), options.applicationName ?? APPLICATION, createLogger());
  return open(options);
}
