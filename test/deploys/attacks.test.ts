import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { DeployDependencies } from '../../src/activities/deploy-dependencies.ts';
import { createGateActivities } from '../../src/activities/gates.ts';
import { plainClient } from '../../src/client/reading-client.ts';
import { readLimit } from '../../src/client/queue-limit.ts';
import { createSettle } from '../../src/activities/settle.ts';
import { grantLock } from '../../src/ledger/deploy-record.ts';
import { insertRequest } from '../../src/ledger/deploy-requests.ts';
import { ensureGate } from '../../src/ledger/gates.ts';
import { bindLedger } from '../../src/ledger/identity.ts';
import {
  COORDINATOR_STATUS_QUERY,
  DEPLOY_FINISH_SIGNAL,
  DEPLOY_START_SIGNAL,
  QUEUE_DRAINED_SIGNAL,
  REQUEST_DEPLOY_UPDATE,
  coordinatorId,
  coordinatorTaskQueue,
  deployRunId,
} from '../../src/protocol.ts';
import type { CoordinatorStatus } from '../../src/protocol.ts';
import { begin } from '../support/claiming.ts';
import { eventually } from '../support/eventually.ts';
import { quietLog } from '../support/quiet-log.ts';
import { ENVIRONMENT, QUEUE, command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

/** The gate activities, and a granted deploy. */
async function parts(scene: Scene) {
  const ledgerId = await bindLedger(scene.ledger, scene.temporal.clusterId);
  const deps = {
    ledger: scene.ledger,
    ledgerId,
    client: scene.temporal.client,
    log: quietLog,
  } as unknown as DeployDependencies;
  const grant = async (id: string) => {
    await insertRequest(scene.ledger, ENVIRONMENT, { id, plan: 'default', requestedBy: 'test' });
    const { row } = await grantLock(scene.ledger, ENVIRONMENT, id, `run-${id}`, () => scene.plan);
    return { environment: ENVIRONMENT, deploy: id, token: row.token!, taskQueue: QUEUE };
  };
  return { gates: createGateActivities(deps), settle: createSettle(deps), grant };
}

test('a late open of one deploy leaves the brake of the next alone', async () => {
  const scene = await openScene();
  const { gates, grant } = await parts(scene);
  const first = await grant('first');
  await gates.closeGate(first);
  await gates.openGate(first);
  const second = await grant('second');
  await gates.closeGate(second);
  await gates.openGate(first);
  expect(await readLimit(scene.temporal.client, QUEUE)).toMatchObject({
    rate: 0,
    reason: expect.stringContaining('/second/') as string,
  });
  await gates.openGate(second);
  await scene.expectOpen();
});

test('a late close of a deploy that was settled is refused, and leaves nothing closed', async () => {
  const scene = await openScene();
  const { gates, grant, settle } = await parts(scene);
  const ref = await grant('late');
  await ensureGate(scene.ledger, ENVIRONMENT, QUEUE);
  await settle({ environment: ENVIRONMENT, deploy: 'late', reason: 'its run was terminated' });
  await expect(gates.closeGate(ref)).rejects.toMatchObject({ type: 'FENCED', nonRetryable: true });
  await scene.expectOpen();
});

test('a queue that another ledger holds: the deploy fails with words, and opens what it had closed', async () => {
  const scene = await openScene();
  await scene.startDeployWorker();
  scene.planOf([command('one', 'true')], {
    queues: [
      { taskQueue: QUEUE, after: [] },
      { taskQueue: 'foreign', after: [QUEUE] },
    ],
  });
  await scene.temporal.client.workflowService.updateTaskQueueConfig({
    namespace: scene.temporal.namespace,
    identity: 'another',
    taskQueue: 'foreign',
    taskQueueType: 2,
    updateQueueRateLimit: { rateLimit: { requestsPerSecond: 0 }, reason: 'lockkeeper another-ledger/production/x/1' },
  });
  expect(await scene.deploy('foreign')).toMatchObject({
    outcome: 'failed',
    reason: expect.stringContaining('paused by another ledger') as string,
  });
  expect((await readLimit(scene.temporal.client, QUEUE))?.rate).toBeUndefined();
  expect(await readLimit(scene.temporal.client, 'foreign')).toMatchObject({ rate: 0 });
});

test('output and requests with NUL bytes stop nothing', async () => {
  const scene = await openScene();
  await scene.startDeployWorker();
  scene.planOf([command('binary', `printf 'oops \\0 oops'; exit 1`)]);
  expect(await scene.deploy('nul')).toMatchObject({
    outcome: 'failed',
    reason: expect.stringContaining('oops') as string,
  });
  await scene.expectOpen();
  const coordinator = scene.temporal.client.workflow.getHandle(coordinatorId(ENVIRONMENT));
  await coordinator.signal(DEPLOY_START_SIGNAL, { id: 'junk', plan: 'default', requestedBy: 'a\u0000b' });
  scene.planOf([command('one', 'true')]);
  expect(await scene.deploy('after')).toMatchObject({ outcome: 'succeeded' });
  expect((await scene.deploys.coordinator()).refused).toMatchObject([{ deploy: 'junk' }]);
});

test('coordinator and run terminated together: the deploy worker brings them back, and the deploy goes on', async () => {
  const scene = await openScene();
  await scene.startDeployWorker();
  scene.planOf([command('one', 'sleep 3', { idempotent: true }), command('two', 'true')]);
  const end = scene.deploy('both');
  const run = scene.temporal.client.workflow.getHandle(deployRunId(ENVIRONMENT));
  await eventually(async () => expect(await scene.steps('both')).toContain('one started'));
  await scene.temporal.client.workflow.getHandle(coordinatorId(ENVIRONMENT)).terminate('by the test');
  await run.terminate('by the test');
  expect(await end).toMatchObject({ kind: 'ended', outcome: 'succeeded' });
  await scene.expectOpen();
}, 90_000);

test.each(['abort', 'cancel'] as const)(
  '%s just before a step begins: nothing of it runs',
  async (how) => {
    const scene = await openScene();
    await scene.startDeployWorker();
    scene.planOf([command('first', 'true'), command('second', 'echo second')]);
    const end = scene.deploy('x');
    const run = scene.temporal.client.workflow.getHandle(deployRunId(ENVIRONMENT));
    await eventually(async () => expect(await scene.steps('x')).toHaveLength(2));
    const session = await begin(scene.ledger);
    await session.query('select from lockkeeper._deploy_steps where n = 2 for update');
    await eventually(async () => expect(await scene.steps('x')).toContain('first done'));
    await eventually(async () => {
      const { raw } = await run.describe();
      expect(raw.pendingActivities?.map((a) => a.activityType?.name)).toContain('recordStep');
    });
    if (how === 'abort') await scene.deploys.operate({ deploy: 'x', action: 'abort', reason: 'r', by: 'test' });
    else await run.cancel();
    await delay(200);
    await session.query('commit');
    expect(await end).toMatchObject({ outcome: 'aborted' });
    expect(scene.output).not.toContain('second');
    await scene.expectOpen();
  },
  60_000,
);

/** What a client of another language may send: an encoding that nobody here knows. */
const UNKNOWN_ENCODING = {
  payloads: [{ metadata: { encoding: Buffer.from('json/protobuf') }, data: Buffer.from('{}') }],
};

test('signals and updates that cannot be decoded are refused; the coordinator goes on', async () => {
  const scene = await openScene();
  await scene.startDeployWorker();
  const { client, namespace } = scene.temporal;
  const workflowExecution = { workflowId: coordinatorId(ENVIRONMENT) };
  const broken = { payloads: [{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{"id":') }] };
  for (const input of [UNKNOWN_ENCODING, broken]) {
    for (const signalName of [DEPLOY_START_SIGNAL, DEPLOY_FINISH_SIGNAL, QUEUE_DRAINED_SIGNAL]) {
      await client.workflowService.signalWorkflowExecution({ namespace, workflowExecution, signalName, input });
    }
  }
  const update = await client.workflowService.updateWorkflowExecution({
    namespace,
    workflowExecution,
    waitPolicy: { lifecycleStage: 3 },
    request: { meta: { updateId: 'undecodable' }, input: { name: REQUEST_DEPLOY_UPDATE, args: UNKNOWN_ENCODING } },
  });
  expect(update.outcome?.failure?.message).toContain('cannot be decoded');
  scene.planOf([command('one', 'true')]);
  expect(await scene.deploy('after')).toMatchObject({ outcome: 'succeeded' });
  expect(await failedTasks(scene, workflowExecution.workflowId)).toBe(0);
  const status = await client.workflow
    .getHandle(coordinatorId(ENVIRONMENT))
    .query<CoordinatorStatus>(COORDINATOR_STATUS_QUERY);
  expect(status.refused).toHaveLength(2);
  expect(status.refused[0]?.reason).toContain('json/protobuf');
});

const INPUTS_BY_HAND: readonly unknown[][] = [[], [null], [{}], ['{"environment":1}']];

test('a workflow of lockkeeper that somebody starts by hand with other input ends with words', async () => {
  const scene = await openScene();
  await scene.startDeployWorker();
  const client = plainClient(scene.temporal.client);
  for (const [n, type] of ['job', 'deployCoordinator', 'deployRun', 'deployStep'].entries()) {
    for (const [m, args] of INPUTS_BY_HAND.entries()) {
      const workflowId = `by-hand-${n}-${m}`;
      const started = client.workflow.start(type, { workflowId, taskQueue: coordinatorTaskQueue(ENVIRONMENT), args });
      const error: unknown = await (await started).result().catch((e: unknown) => e);
      const { cause } = error as { cause: { type: string; message: string } };
      expect(cause.type).toBe('USAGE');
      expect(cause.message).toContain(type);
      expect(await failedTasks(scene, workflowId)).toBe(0);
    }
  }
});

async function failedTasks(scene: Scene, workflowId: string): Promise<number> {
  const { events } = await scene.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  return events!.filter((event) => event.workflowTaskFailedEventAttributes).length;
}
