import { Client } from '@temporalio/client';
import { lockkeeperDataConverter } from '../crypto/data-converter.ts';
import { findEncryption } from '../crypto/encryption.ts';
import type { Encryption } from '../crypto/encryption.ts';
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
  /**
   * Keys, or in words that there are none; LOCKKEEPER_KEY_FILE or LOCKKEEPER_KEYS unless given. Without any, no job can be
   * started, and nothing of what is encrypted be read.
   */
  readonly encryption?: Encryption;
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
 *   USAGE when `DATABASE_URL` is not set, KEYRING_INVALID
 * @example
 * await using lockkeeper = await connect();
 * const job = await lockkeeper.jobs.start(importCities, { file: 'cities.csv' }, { id: 'import-7' });
 * const { rows } = await job.result();
 */
export async function connect(options: ConnectOptions = {}): Promise<Lockkeeper> {
  const { env = process.env, log = createLogger() } = options;
  const encryption = options.encryption ?? findEncryption(env);
  const url = databaseUrl(env);
  const temporal = await connectTemporal(env);
  const { namespace, client, connection, clusterId } = temporal;
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
    jobs: new JobClient(client, ledger, encryption),
    graphs: new GraphClient(client, ledger, encryption),
    deploys: (environment) => new DeployClient(client, environment, ledger),
    // For workflows of the user's own: deploys are readable to it, too.
    temporal: encryption
      ? {
          ...temporal,
          client: new Client({
            connection,
            namespace,
            dataConverter: lockkeeperDataConverter({ namespace, encryption }),
          }),
        }
      : temporal,
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
