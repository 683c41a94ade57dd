import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { EncryptionCodec } from '../../../src/crypto/payload-codec.ts';
import { findTemporal, userCacheDir } from '../../../src/dev/temporal-binary.ts';
import { startTemporal } from '../../../src/dev/temporal-server.ts';
import type { TemporalServer } from '../../../src/dev/temporal-server.ts';
import { atEnd } from '../../support/at-end.ts';
import { keyring } from '../bench.ts';
import { fails, succeeds } from './workflows.ts';

export const NAMESPACE = 'default';
export const SUCCEEDED = 'order-17';
export const FAILED = 'order-18';

/** What a reader must not see, and what shows that it was read. */
export const SECRETS = {
  input: 'customer-of-input',
  result: 'customer-of-result',
  summary: 'summary-of-workflow',
  details: 'details-of-workflow',
  activity: 'summary-of-activity',
  failure: 'message-of-failure: no such customer',
} as const;

export interface TemporalWithUi extends TemporalServer {
  /** The Temporal CLI. */
  readonly binary: string;
}

/** A dev server of Temporal with its Web UI, for the file. */
export async function temporalWithUi(): Promise<TemporalWithUi> {
  const dir = await mkdtemp(join(tmpdir(), 'lockkeeper-web-ui-'));
  const log = (line: string) => console.error(line);
  const { path: binary } = await findTemporal({ cacheDir: userCacheDir(), log });
  const server = await startTemporal({ binary, dir, searchAttributes: {}, log });
  atEnd(async () => {
    await server.stop();
    await rm(dir, { recursive: true });
  });
  return { ...server, binary };
}

// That a workflow fails is what is wanted.
Runtime.install({ logger: new DefaultLogger('ERROR') });

/** Two workflows that have ended, one well and one badly, with everything they say encrypted. */
export async function encryptedWorkflows(address: string, keys = keyring): Promise<void> {
  const dataConverter: DataConverter = {
    payloadCodecs: [new EncryptionCodec(keys, NAMESPACE)],
    failureConverterPath: fileURLToPath(new URL('./failure-converter.ts', import.meta.url)),
  };
  const connection = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  try {
    const worker = await Worker.create({
      connection: native,
      namespace: NAMESPACE,
      taskQueue: 'orders',
      dataConverter,
      workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
      activities: { lookUp: () => Promise.resolve(SECRETS.result) },
    });
    const { workflow } = new Client({ connection, namespace: NAMESPACE, dataConverter });
    await worker.runUntil(async () => {
      const common = { taskQueue: 'orders', staticSummary: SECRETS.summary, staticDetails: SECRETS.details };
      await workflow.execute(succeeds, { ...common, workflowId: SUCCEEDED, args: [{ customer: SECRETS.input }] });
      const failed = workflow.execute(fails, { ...common, workflowId: FAILED, args: ['no such customer'] });
      await failed.then(
        () => Promise.reject(new Error('it was to fail')),
        () => undefined,
      );
    });
  } finally {
    await native.close();
    await connection.close();
  }
}
