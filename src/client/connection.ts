import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { ConnectionLike } from '@temporalio/client';
import { MINIMUM_TEMPORAL_SERVER } from '../defaults.ts';
import { LockkeeperError, isLockkeeperError } from '../errors.ts';
import { diagnose } from './diagnose.ts';
import { temporalConfig } from './temporal-config.ts';
import type { TemporalConfig } from './temporal-config.ts';
import { connectError, connectionError } from './temporal-errors.ts';

/** How long the first contact may take, milliseconds. */
const CONNECT_WITHIN = 10_000;
/** When it is looked at why there is no connection yet, milliseconds. */
const LOOK_AFTER = 2_000;

export interface TemporalConnection {
  readonly client: Client;
  readonly connection: Connection;
  readonly connectionOptions: TemporalConfig['connectionOptions'];
  readonly namespace: string;
  /** Identity of the Temporal cluster; the ledger remembers it. */
  readonly clusterId: string;
}

/**
 * Connects as Temporal's own environment configuration says (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`,
 * TLS, profiles of `temporal.toml`), and refuses a server that is too old.
 * @throws {LockkeeperError} TEMPORAL_CONFIG_INVALID, TEMPORAL_UNREACHABLE, TEMPORAL_TLS, TEMPORAL_DENIED,
 *   TEMPORAL_NAMESPACE_MISSING, TEMPORAL_TOO_OLD
 */
export async function connectTemporal(env: NodeJS.ProcessEnv = process.env): Promise<TemporalConnection> {
  const config = temporalConfig(env);
  const { connectionOptions, namespace, address } = config;
  const connection = Connection.lazy({ ...connectionOptions, connectTimeout: CONNECT_WITHIN });
  try {
    await connected(connection, config);
    const { clusterId } = await connection.withDeadline(Date.now() + CONNECT_WITHIN, () =>
      inspect(connection, namespace, address),
    );
    return { client: new Client({ connection, namespace }), connection, connectionOptions, namespace, clusterId };
  } catch (error) {
    await connection.close();
    throw isLockkeeperError(error) ? error : await connectError(error, config);
  }
}

/** gRPC would wait to the last moment also for what cannot come right. */
async function connected(connection: Connection, config: TemporalConfig): Promise<void> {
  const patience = new AbortController();
  const hopeless = async () => {
    await delay(LOOK_AFTER, undefined, patience);
    const diagnosis = await diagnose(config);
    if (diagnosis.kind !== 'nothing') throw connectionError(diagnosis, config);
    await once(patience.signal, 'abort');
  };
  try {
    // A proxy that gRPC goes through is not on the way of a look.
    await Promise.race([connection.ensureConnected(), ...(behindProxy(process.env) ? [] : [hopeless()])]);
  } finally {
    patience.abort();
  }
}

const behindProxy = (env: NodeJS.ProcessEnv) => ['grpc_proxy', 'https_proxy', 'http_proxy'].some((name) => env[name]);

async function inspect(connection: Connection, namespace: string, address: string): Promise<{ clusterId: string }> {
  const clusterId = await clusterIdOf(connection, address);
  await connection.workflowService.describeNamespace({ namespace });
  return { clusterId };
}

/**
 * Identity of the Temporal cluster at the other end of a connection, also of one that was made elsewhere.
 * @throws {LockkeeperError} TEMPORAL_TOO_OLD
 */
export async function clusterIdOf(connection: ConnectionLike, address = 'the other end'): Promise<string> {
  const { serverVersion, clusterId } = await connection.withDeadline(Date.now() + CONNECT_WITHIN, () =>
    connection.workflowService.getClusterInfo({}),
  );
  refuseOldServer(serverVersion ?? '0', address);
  return clusterId ?? '';
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
