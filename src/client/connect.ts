import type { Keyring } from '../crypto/keyring.ts';
import { LockkeeperError, errorMessage, isLockkeeperError } from '../errors.ts';
import { databaseUrl } from '../ledger/database-url.ts';
import { bindLedger } from '../ledger/identity.ts';
import { openLedger } from '../ledger/pool.ts';
import type { Ledger } from '../ledger/pool.ts';
import { createLogger } from '../log.ts';
import type { Logger } from '../log.ts';
import { connectTemporal } from './connection.ts';
import type { TemporalConnection } from './connection.ts';
import { DeployClient } from './deploy-client.ts';
import { GraphClient } from './graph-client.ts';
import { JobClient } from './job-client.ts';

/** Postgres connections of a program that only asks. */
const CONNECTIONS = 5;

export interface ConnectOptions {
  /** The process's own unless given. */
  readonly env?: NodeJS.ProcessEnv;
  readonly log?: Logger;
  /** That of the workers; without it large results, notes and reasons of an encrypted ledger cannot be read. */
  readonly keyring?: Keyring;
}

/** Temporal and the ledger, open; `await using` closes it by itself. */
export interface Lockkeeper extends AsyncDisposable {
  readonly jobs: JobClient;
  readonly graphs: GraphClient;
  deploys(environment: string): DeployClient;
  readonly temporal: TemporalConnection;
  readonly ledger: Ledger;
  /** Calling it again does nothing. */
  close(): Promise<void>;
}

/**
 * Opens what a program needs to start jobs and to ask for deploys: Temporal as its own environment configuration says
 * (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, TLS, profiles of `temporal.toml`), and the ledger at `DATABASE_URL`. Once per
 * process is enough.
 * @throws {LockkeeperError} TEMPORAL_UNREACHABLE, TEMPORAL_TOO_OLD, LEDGER_UNREACHABLE, LEDGER_SCHEMA, LEDGER_WRONG_CLUSTER,
 *   USAGE when `DATABASE_URL` is not set
 * @example
 * await using lockkeeper = await connect();
 * const job = await lockkeeper.jobs.start(importCities, { file: 'cities.csv' }, { id: 'import-7' });
 * const { rows } = await job.result();
 */
export async function connect(options: ConnectOptions = {}): Promise<Lockkeeper> {
  const { env = process.env, log = createLogger(), keyring } = options;
  const url = databaseUrl(env);
  const temporal = await connectTemporal(env);
  const { namespace, client, clusterId } = temporal;
  const ledger = openLedger({
    databaseUrl: url,
    namespace,
    applicationName: 'lockkeeper client',
    maxConnections: CONNECTIONS,
    log,
  });
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= ledger.close().finally(() => temporal.connection.close()));
  try {
    await expectLedger(ledger, clusterId);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    jobs: new JobClient(client, ledger, keyring),
    graphs: new GraphClient(client, ledger, keyring),
    deploys: (environment) => new DeployClient(client, environment, ledger),
    temporal,
    ledger,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function expectLedger(ledger: Ledger, clusterId: string): Promise<void> {
  try {
    await bindLedger(ledger, clusterId);
  } catch (error) {
    if (isLockkeeperError(error)) throw error;
    throw new LockkeeperError('LEDGER_UNREACHABLE', `the ledger's Postgres does not answer: ${errorMessage(error)}`, {
      next: 'Check DATABASE_URL and that the server runs',
      cause: error,
    });
  }
}
