import { randomUUID } from 'node:crypto';
import { msToTs } from '@temporalio/common/lib/time.js';
import { Client, Connection } from '@temporalio/client';
import { inject } from 'vitest';
import { connectTemporal } from '../../src/client/connection.ts';
import { lockkeeperDataConverter } from '../../src/crypto/data-converter.ts';
import type { Encryption } from '../../src/crypto/encryption.ts';
import type { TemporalConnection } from '../../src/client/connection.ts';
import { ensureSearchAttributes } from '../../src/client/search-attributes.ts';
import { SEARCH_ATTRIBUTES } from '../../src/protocol.ts';
import { atEnd } from './at-end.ts';
import { eventually } from './eventually.ts';

export interface FreshNamespace extends TemporalConnection {
  readonly address: string;
  /** What a child process needs to come to the same namespace. */
  readonly env: { readonly TEMPORAL_ADDRESS: string; readonly TEMPORAL_NAMESPACE: string };
}

const RETENTION = '1 day';
/** A server that is not ours reads its namespaces every 10 s, and search attributes after that. */
const USABLE_WITHIN = 40_000;

/**
 * A Temporal namespace of its own for the file, or for the test when called inside one, with the product's search
 * attributes; the connection is closed at its end. Namespaces of our own server go with it; on another they stay.
 * @example const temporal = await freshNamespace(); // at the top of the file
 */
export async function freshNamespace(encryption?: Encryption): Promise<FreshNamespace> {
  const address = inject('temporalAddress');
  const namespace = `test-${randomUUID()}`;
  const env = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace };
  await register(address, namespace);
  const temporal = await eventually(() => connectTemporal({ ...process.env, ...env }), { within: USABLE_WITHIN });
  atEnd(() => temporal.connection.close());
  const { workflowService } = temporal.connection;
  await eventually(() => ensureSearchAttributes(temporal.connection, namespace), { within: USABLE_WITHIN });
  // Both frontend and visibility must have read it: a query by each attribute, and a task queue.
  const query = Object.keys(SEARCH_ATTRIBUTES)
    .map((name) => `${name} is not null`)
    .join(' or ');
  await eventually(() => workflowService.countWorkflowExecutions({ namespace, query }), { within: USABLE_WITHIN });
  await eventually(
    () => workflowService.describeTaskQueue({ namespace, taskQueue: { name: 'any' }, taskQueueType: 1 }),
    { within: USABLE_WITHIN },
  );
  const { connection } = temporal;
  const client = new Client({
    connection,
    namespace,
    dataConverter: lockkeeperDataConverter({ namespace, encryption }),
  });
  return { ...temporal, client, address, env };
}

async function register(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs(RETENTION),
    });
  } finally {
    await connection.close();
  }
}
