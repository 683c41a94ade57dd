import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ConnectionLike } from '@temporalio/client';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import { MINIMUM_TEMPORAL_SERVER } from '../defaults.ts';
import { LockkeeperError, errorMessage } from '../errors.ts';

type ConnectOptions = ClientConnectConfig['connectionOptions'];

/** How long the first contact may take, milliseconds. */
const CONNECT_WITHIN = 10_000;

export interface TemporalConnection {
  readonly client: Client;
  readonly connection: Connection;
  readonly connectionOptions: ConnectOptions;
  readonly namespace: string;
  /** Identity of the Temporal cluster; the ledger remembers it. */
  readonly clusterId: string;
}

/**
 * Connects as Temporal's own environment configuration says (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`,
 * TLS, profiles of `temporal.toml`), and refuses a server that is too old.
 * @throws {LockkeeperError} TEMPORAL_UNREACHABLE, TEMPORAL_TOO_OLD
 */
export async function connectTemporal(env: NodeJS.ProcessEnv = process.env): Promise<TemporalConnection> {
  const config = loadClientConnectConfig({ overrideEnvVars: definedOf(env) });
  const connectionOptions: ConnectOptions = config.connectionOptions;
  const namespace = config.namespace ?? 'default';
  const address = connectionOptions.address ?? 'localhost:7233';
  let connection: Connection;
  try {
    connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_WITHIN });
  } catch (error) {
    throw new LockkeeperError(
      'TEMPORAL_UNREACHABLE',
      `Temporal does not answer at ${address}: ${errorMessage(error)}`,
      {
        next: 'Start it (`lockkeeper dev` brings one), or set TEMPORAL_ADDRESS',
        cause: error,
      },
    );
  }
  try {
    return {
      client: new Client({ connection, namespace }),
      connection,
      connectionOptions,
      namespace,
      clusterId: await clusterIdOf(connection, address),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/**
 * Identity of the Temporal cluster at the other end of a connection, also of one that was made elsewhere.
 * @throws {LockkeeperError} TEMPORAL_TOO_OLD
 */
export async function clusterIdOf(connection: ConnectionLike, address = 'the other end'): Promise<string> {
  const info = await connection.withDeadline(Date.now() + CONNECT_WITHIN, () =>
    connection.workflowService.getClusterInfo({}),
  );
  refuseOldServer(info.serverVersion ?? '0', address);
  return info.clusterId ?? '';
}

function refuseOldServer(version: string, address: string): void {
  const parts = (v: string) => v.split('.').map((n) => Number.parseInt(n, 10) || 0);
  const [major = 0, minor = 0] = parts(version);
  const [minMajor = 0, minMinor = 0] = parts(MINIMUM_TEMPORAL_SERVER);
  if (major > minMajor || (major === minMajor && minor >= minMinor)) return;
  throw new LockkeeperError(
    'TEMPORAL_TOO_OLD',
    `the Temporal server at ${address} is version ${version}, at least ${MINIMUM_TEMPORAL_SERVER} is needed`,
    {
      next: 'Upgrade the server: older ones cannot hold back a task queue',
    },
  );
}

const definedOf = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
