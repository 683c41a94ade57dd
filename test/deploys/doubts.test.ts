import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { DeployDependencies } from '../../src/activities/deploy-dependencies.ts';
import { createGateActivities } from '../../src/activities/gates.ts';
import { createSettle } from '../../src/activities/settle.ts';
import { plainClient } from '../../src/client/reading-client.ts';
import { StepLeases } from '../../src/client/step-leases.ts';
import { grantLock } from '../../src/ledger/deploy-record.ts';
import { insertRequest } from '../../src/ledger/deploy-requests.ts';
import { bindLedger } from '../../src/ledger/identity.ts';
import { deployRunId } from '../../src/protocol.ts';
import { EFFECT_TABLE, countUntilTold } from '../app/count-job.ts';
import { eventually, isPending } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { LedgerProxy } from '../support/ledger-proxy.ts';
import { quietLog } from '../support/quiet-log.ts';
import { ENVIRONMENT, Scene, command, external, openScene } from '../support/scene.ts';

/** Its first question of each kind is answered, and the answer lost on the way back. */
class LosingReplies extends StepLeases {
  readonly lost = new Set<string>();
  async #lose<T>(what: string, reply: Promise<T>): Promise<T> {
    const answer = await reply;
    if (this.lost.has(what)) return answer;
    this.lost.add(what);
    throw new Error('14 UNAVAILABLE: Connection dropped');
  }
  override waiting(...of: Parameters<StepLeases['waiting']>) {
    return this.#lose('waiting', super.waiting(...of));
  }
  override take(...of: Parameters<StepLeases['take']>) {
    return this.#lose('take', super.take(...of));
  }
  override complete(...of: Parameters<StepLeases['complete']>) {
    return this.#lose('complete', super.complete(...of));
  }
}

test('a wrapper whose connection is lost at each of its questions does its step once, and tells how the deploy ended', async () => {
  const scene = await openScene();
  await scene.startDeployWorker();
  scene.planOf([external()]);
  const leases = new LosingReplies(plainClient(scene.temporal.client), ENVIRONMENT);
  Object.assign(scene.deploys, { leases });
  expect(await scene.deploy('x', { command: ['echo', 'once'] })).toEqual({ kind: 'ended', outcome: 'succeeded' });
  expect(scene.output).toEqual(['once\n']);
  expect([...leases.lost]).toEqual(['waiting', 'take', 'complete']);
  await scene.expectOpen();
}, 60_000);

test('a step that is tried again after it was said to have failed waits for a word of its own', async () => {
  const scene = await openScene();
  await scene.startDeployWorker();
  scene.planOf([external()], { onFailure: 'hold' });
  const nonce = randomUUID();
  const finish = (ok: boolean) => scene.deploys.finish({ deploy: 'x', nonce, ok });
  const end = scene.deploy('x', { request: { external: { mode: 'deadline', nonce, deadlineMs: 20_000 } } });
  await eventually(async () => expect(await scene.steps('x')).toEqual(['ci started']));
  await finish(false);
  await eventually(() => scene.deploys.operate({ deploy: 'x', action: 'retryStep', reason: 'r', by: 'test' }));
  await eventually(async () => expect(await scene.steps('x')).toEqual(['ci started']));
  expect(await isPending(end, 1_500)).toBe(true);
  expect(await scene.steps('x')).toEqual(['ci started']);
  await finish(true);
  expect(await end).toMatchObject({ outcome: 'succeeded' });
}, 60_000);

test('a deploy that only opens its gates any more refuses to be aborted', async () => {
  const scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  await scene.startDeployWorker();
  const worker = await scene.startWorker([countUntilTold]);
  const job = await scene.jobs.start(countUntilTold, undefined, { id: 'job' });
  await eventually(async () => expect(await job.row()).toMatchObject({ state: 'running' }));
  scene.planOf([command('one', 'sleep 3')]);
  const waiting = Promise.withResolvers<void>();
  const end = scene.deploy('x', { on: ({ phase }) => phase === 'waiting to see work move again' && waiting.resolve() });
  await eventually(async () => expect(await scene.steps('x')).toEqual(['one started']));
  await worker.stop();
  await waiting.promise;
  await expect(scene.deploys.operate({ deploy: 'x', action: 'abort', reason: 'r', by: 'test' })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('cannot be changed any more') as string,
  });
  await scene.startWorker([countUntilTold]);
  expect(await end).toEqual({ kind: 'ended', outcome: 'succeeded' });
}, 60_000);

test('whoever occupies the lock by hand keeps the deploys waiting, and fails none when it goes', async () => {
  const scene = await openScene();
  await scene.startDeployWorker();
  scene.planOf([command('one', 'true')]);
  const occupied = await scene.temporal.client.workflow.start('anything', {
    workflowId: deployRunId(ENVIRONMENT),
    taskQueue: 'nobody',
  });
  const end = scene.deploy('x');
  await eventually(async () => expect(await scene.deploys.coordinator()).toMatchObject({ running: 'x' }));
  await occupied.terminate('by the test');
  expect(await end).toEqual({ kind: 'ended', outcome: 'succeeded' });
}, 60_000);

test('a deploy that a restored ledger does not know is settled: its brake is taken off', async () => {
  const scene = await openScene();
  const { ledger } = scene;
  const ledgerId = await bindLedger(ledger, scene.temporal.clusterId);
  const deps = { ledger, ledgerId, client: scene.temporal.client, log: quietLog } as unknown as DeployDependencies;
  await insertRequest(ledger, ENVIRONMENT, { id: 'x', plan: 'default', requestedBy: 'test' });
  const { row } = await grantLock(ledger, ENVIRONMENT, 'x', 'run', () => scene.plan);
  const ref = { environment: ENVIRONMENT, deploy: 'x', token: row.token!, taskQueue: 'numbers' };
  await createGateActivities(deps).closeGate(ref);
  // As it was before.
  await ledger.pool.query('delete from lockkeeper._deploys');
  await ledger.pool.query(
    `update lockkeeper._gates set state = 'open', generation = 0, owner_deploy = null, owner_token = null`,
  );
  await createSettle(deps)({ environment: ENVIRONMENT, deploy: 'x', reason: 'its run ended as FAILED' });
  await scene.expectOpen();
});

/** A deploy worker whose ledger can be cut off. */
async function throughProxy() {
  const scene = await openScene();
  const proxy = await LedgerProxy.start(scene.ledger.databaseUrl);
  const namespace = scene.temporal.namespace;
  const behind = new Scene(scene.temporal, await freshLedger({ databaseUrl: proxy.databaseUrl, namespace }));
  await behind.startDeployWorker();
  return { scene: behind, proxy };
}

test('a command that ends while the ledger is away for longer has done what it has done', async () => {
  const { scene, proxy } = await throughProxy();
  scene.planOf([command('one', 'echo begun; sleep 1; exit 0')]);
  const end = scene.deploy('x');
  await eventually(() => expect(scene.output).toEqual(['begun']));
  proxy.goAway();
  expect(await isPending(end, 13_000)).toBe(true);
  proxy.comeBack();
  expect(await end).toEqual({ kind: 'ended', outcome: 'succeeded' });
}, 60_000);

test.each(['select guard from', 'set guard = \\$6'])(
  'a connection to the ledger that is lost just before a command begins (%s) fails nothing',
  async (statement) => {
    const { scene, proxy } = await throughProxy();
    const cut = proxy.cutBefore(new RegExp(statement));
    scene.planOf([command('one', 'echo once')]);
    expect(await scene.deploy('x')).toEqual({ kind: 'ended', outcome: 'succeeded' });
    await cut;
    expect(scene.output).toEqual(['once']);
  },
  60_000,
);
