import { NativeConnection, Worker } from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import { ensureCoordinator } from '../../src/client/coordinator.ts';
import { DeployClient } from '../../src/client/deploy-client.ts';
import { coordinatorTaskQueue } from '../../src/protocol.ts';
import type { DeployActivities, DeployOrder } from '../../src/protocol.ts';
import { installRuntime } from '../../src/workers/runtime.ts';
import { bundle } from '../../src/workers/workflow-bundle.ts';
import { atEnd } from '../support/at-end.ts';
import { freshNamespace } from '../support/fresh-namespace.ts';
import { quietLog } from '../support/quiet-log.ts';

const ENVIRONMENT = 'test';
let deploys: DeployClient;
/** Questions for the next deploy that wait for their answer: the ledger's side is played by the test. */
const asked: ((answer: DeployOrder) => void)[] = [];
const nextQuestion = async () => {
  await expect.poll(() => asked.length, { timeout: 20_000 }).toBeGreaterThan(0);
  return asked.shift()!;
};

beforeAll(async () => {
  installRuntime(quietLog);
  const temporal = await freshNamespace();
  const activities: Partial<DeployActivities> = {
    nextDeploys: () => new Promise((answer) => asked.push(answer)),
    acceptRequest: ({ request }) => Promise.resolve({ deploy: request.id, approvalOrder: 1, code: 200 }),
  };
  const connection = await NativeConnection.connect({ address: temporal.address });
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue: coordinatorTaskQueue(ENVIRONMENT),
    workflowBundle: await bundle(quietLog, undefined),
    activities,
    shutdownForceTime: '1s',
  });
  const ran = worker.run();
  atEnd(async () => {
    asked.forEach((answer) => answer({ queued: [] }));
    worker.shutdown();
    await ran;
    await connection.close();
  });
  await ensureCoordinator(temporal.client, ENVIRONMENT);
  deploys = new DeployClient(temporal.client, ENVIRONMENT);
});

test('a deploy accepted while the queue is being read is not lost from sight by the older answer', async () => {
  const older = await nextQuestion();
  await deploys.request({ id: 'v42', plan: 'default', requestedBy: 'test' });
  expect(await deploys.find('v42')).toEqual({ at: 'waiting', ahead: [] });
  older({ queued: [] });
  const newer = await nextQuestion();
  expect(await deploys.find('v42')).toEqual({ at: 'waiting', ahead: [] });
  // What it is told later is believed: it has been withdrawn.
  newer({ queued: [] });
  await expect.poll(() => deploys.find('v42'), { timeout: 10_000 }).toEqual({ at: 'unknown' });
});
