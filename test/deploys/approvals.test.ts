import { beforeAll, expect, test } from 'vitest';
import { readDeploy } from '../../src/ledger/deploys.ts';
import { coordinatorId } from '../../src/protocol.ts';
import type { ApprovalPolicy, ResolvedPlan } from '../../src/protocol.ts';
import { eventually, isPending } from '../support/eventually.ts';
import { ENVIRONMENT, command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { runsOf, succeeded } from './runs.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.startDeployWorker();
});

const TWO: ApprovalPolicy = { count: 2, notRequester: true, expireAfterMs: 86_400_000 };
const planOf = (script: string, more: Partial<ResolvedPlan> = {}) => scene.planOf([command('one', script)], more);
const request = (id: string, more = {}) => scene.deploys.request({ id, plan: 'default', requestedBy: 'rita', ...more });
const approve = (deploy: string, by: string) => scene.deploys.order.approve({ deploy, by });
const coordinator = (runId?: string) => scene.temporal.client.workflow.getHandle(coordinatorId(ENVIRONMENT), runId);
const row = (id: string) => readDeploy(scene.ledger, ENVIRONMENT, id);
const lastRuns = async (n: number) => (await runsOf(scene)).slice(-n).map((run) => run.deploy);
const waiting = (id: string) => scene.deploys.find(id);

test('an unapproved deploy waits and holds up nobody; approved by two, it runs', async () => {
  planOf('true', { approvals: TWO });
  expect(await request('v1')).toMatchObject({ code: 100, waitsFor: { kind: 'approval', needed: 2, by: [] } });
  planOf('true');
  await request('free');
  await succeeded(scene, ['free']);
  expect(await waiting('v1')).toEqual({
    at: 'waiting',
    ahead: [],
    waitsFor: { kind: 'approval', needed: 2, by: [], notRequester: true },
  });
  expect(await approve('v1', 'ann')).toMatchObject({ code: 100, waitsFor: { by: ['ann'] } });
  expect(await approve('v1', 'ann')).toMatchObject({ code: 100, waitsFor: { by: ['ann'] } });
  await expect(approve('v1', 'rita')).rejects.toMatchObject({ code: 'APPROVAL_REFUSED' });
  expect(await approve('v1', 'bob')).toMatchObject({ code: 200 });
  await succeeded(scene, ['v1']);
  await expect(scene.deploys.order.revoke({ deploy: 'v1', by: 'bob', reason: 'r' })).rejects.toMatchObject({
    code: 'DEPLOY_NOT_CURRENT',
  });
  await scene.expectOpen();
});

test('deploys approved by many at once run in the order of their approval, while coordinators are terminated and reset', async () => {
  planOf('sleep 0.2', { approvals: { ...TWO, count: 1 } });
  const ids = Array.from({ length: 8 }, (_, i) => `many-${i}`);
  await Promise.all(ids.map((id) => request(id)));
  const approving = Promise.all(ids.map((id) => approve(id, `someone-${id}`)));
  await approving;
  await coordinator().terminate('by the test');
  await eventually(async () => expect(await lastRuns(1)).not.toEqual(['v1']), { within: 20_000 });
  // The deploy worker brings it back.
  await eventually(() => coordinator().signal('refresh'), { within: 20_000 });
  await succeeded(scene, ids, 60_000);
  const order = await Promise.all(ids.map(async (id) => ({ id, n: (await row(id)).approvalOrder! })));
  expect(await lastRuns(8)).toEqual(order.sort((a, b) => a.n - b.n).map(({ id }) => id));
}, 120_000);

test('taken back while another deploy runs, an approval counts no longer, and what it was given for waits on', async () => {
  planOf('sleep 1.5');
  await request('runs');
  planOf('true', { approvals: { ...TWO, count: 1 } });
  for (const id of ['first', 'second']) {
    await request(id);
    await approve(id, 'ann');
  }
  expect(await waiting('second')).toMatchObject({ ahead: ['runs', 'first'] });
  await scene.deploys.order.revoke({ deploy: 'first', by: 'ann', reason: 'not yet' });
  expect(await waiting('second')).toMatchObject({ ahead: ['runs'] });
  expect(await waiting('first')).toMatchObject({ ahead: [], waitsFor: { kind: 'approval' } });
  await succeeded(scene, ['runs', 'second']);
  expect(await row('first')).toMatchObject({ code: 100, outcome: undefined });
  await approve('first', 'bob');
  await succeeded(scene, ['first']);
  expect(await lastRuns(3)).toEqual(['runs', 'second', 'first']);
}, 60_000);

test('an approval whose time is over counts no longer', async () => {
  planOf('sleep 2');
  await request('long');
  planOf('true', { approvals: { ...TWO, count: 1, expireAfterMs: 800 } });
  await request('expires');
  await approve('expires', 'ann');
  await succeeded(scene, ['long']);
  await eventually(async () =>
    expect(await waiting('expires')).toMatchObject({ waitsFor: { kind: 'approval', by: [] } }),
  );
  expect(await row('expires')).toMatchObject({ code: 100 });
  // Nobody runs: it is noticed all the same, by a timer.
  await approve('expires', 'bob');
  await succeeded(scene, ['expires']);
}, 60_000);

test('frozen, nobody begins; the one that runs ends, an expedited one may pass, and all go on afterwards', async () => {
  planOf('sleep 0.5');
  await request('before');
  await eventually(async () => expect((await row('before'))?.code).toBeGreaterThanOrEqual(300), { within: 20_000 });
  await scene.deploys.order.freeze({ by: 'ann', reason: 'month’s end' });
  await request('held-1');
  await request('held-2');
  await succeeded(scene, ['before']);
  const frozen = { ahead: ['held-1'], freeze: { by: 'ann', reason: 'month’s end' } };
  await eventually(async () => expect(await waiting('held-2')).toMatchObject(frozen));
  await scene.deploys.order.expedite({ deploy: 'held-2', by: 'bob', reason: 'mends it', throughFreeze: true });
  await succeeded(scene, ['held-2']);
  // A new coordinator reads it from the ledger.
  await coordinator().terminate('by the test');
  await request('held-3');
  await eventually(async () => expect(await waiting('held-1')).toMatchObject({ at: 'waiting', freeze: { by: 'ann' } }));
  expect((await row('held-1')).turnAt).toBeUndefined();
  expect(await scene.deploys.order.unfreeze({ by: 'ann', reason: 'over' })).toEqual({ changed: true });
  await succeeded(scene, ['held-1', 'held-3']);
  expect(await lastRuns(4)).toEqual(['before', 'held-2', 'held-1', 'held-3']);
}, 90_000);

test('a freeze with an end, and a scheduled deploy, go on by themselves, by the timer of an idle coordinator', async () => {
  planOf('true');
  await scene.deploys.order.freeze({ by: 'ann', reason: 'r', until: new Date(Date.now() + 2_000).toISOString() });
  await request('thawed');
  const at = Date.now() + 15_000;
  await request('scheduled', { scheduledFor: new Date(at) });
  await request('unscheduled');
  expect(await waiting('scheduled')).toMatchObject({ ahead: [], waitsFor: { kind: 'schedule', at } });
  await succeeded(scene, ['thawed', 'unscheduled', 'scheduled']);
  expect(await lastRuns(3)).toEqual(['thawed', 'unscheduled', 'scheduled']);
  expect((await runsOf(scene)).at(-1)!.from).toBeGreaterThanOrEqual(at);
}, 60_000);

test('all of it by plain signals, and what is refused is shown', async () => {
  const signal = (name: string, payload: unknown) => coordinator().signal(name, payload);
  planOf('true', { approvals: TWO });
  await signal('freeze', { by: 'a script', reason: 'r' });
  await signal('deployStart', { id: 'scripted', plan: 'default', requestedBy: 'a script' });
  await signal('approve', { deploy: 'scripted', by: 'ann' });
  await signal('approve', { deploy: 'scripted', by: 'eve' });
  await signal('approve', { deploy: 'scripted', by: 'a script' });
  await signal('revoke', { deploy: 'scripted', by: 'eve', reason: 'r' });
  await signal('approve', { deploy: 'scripted', by: 'bob', reason: 'well tested' });
  for (const bad of [undefined, 7, {}, { deploy: 'scripted' }, { deploy: '', by: 'x' }]) await signal('approve', bad);
  await signal('freeze', { by: 'a script', reason: 'r', until: 'tomorrow' });
  await signal('expedite', { deploy: 'scripted', by: 'ann', reason: 'r', throughFreeze: true });
  await succeeded(scene, ['scripted']);
  await signal('unfreeze', { by: 'a script', reason: 'r' });
  const { refused } = await scene.deploys.coordinator();
  expect(refused.slice(-7).map(({ reason }) => reason.split(':').slice(0, 2).join(':'))).toEqual([
    'deploy scripted is not approved by a script: a script asked for it, and somebody else must approve it. See who is asked with `lockkeeper deploy show scripted`',
    'approve: it must be an object',
    'approve: it must be an object',
    'approve: `deploy` must name a deploy',
    'approve: `by` must say who, in at most 200 characters',
    'approve: `deploy` must name a deploy',
    'freeze: `until` must be an ISO time with its zone, such as 2026-03-01T22',
  ]);
  const { runId } = await coordinator().describe();
  await signal('refresh', undefined);
  await eventually(async () => expect((await coordinator().describe()).runId).not.toBe(runId));
  await scene.record('deploy-coordinator-order', coordinatorId(ENVIRONMENT), runId);
}, 60_000);

test('by update, what cannot be one is refused with words', async () => {
  const { order } = scene.deploys;
  await expect(order.expedite({ deploy: 'v1', by: 'ann', reason: '' })).rejects.toMatchObject({ code: 'USAGE' });
  await expect(order.freeze({ by: 'ann', reason: 'r', until: 'noon' })).rejects.toThrow(/ISO time with its zone/);
  await expect(order.approve({ deploy: 'never-was', by: 'ann' })).rejects.toMatchObject({ code: 'DEPLOY_NOT_FOUND' });
});

test('a window of the config holds deploys back, and says until when', async () => {
  const other = await openScene();
  const begun = new Date(Date.now() - 60_000);
  const [minute, hour] = [begun.getUTCMinutes(), begun.getUTCHours()];
  const length = 60_000 + 8_000 + (begun.getTime() % 60_000);
  other.freezeWindows.push({ cron: `${minute} ${hour} * * *`, timeZone: 'UTC', forMs: length, reason: 'backup' });
  await other.startDeployWorker();
  other.planOf([command('one', 'true')]);
  await other.deploys.request({ id: 'v1', plan: 'default', requestedBy: 'test' });
  await eventually(async () =>
    expect(await other.deploys.find('v1')).toMatchObject({ at: 'waiting', freeze: { reason: 'backup' } }),
  );
  expect(await other.deploys.order.unfreeze({ by: 'ann', reason: 'r' })).toMatchObject({
    changed: false,
    freeze: { reason: 'backup' },
  });
  const running = other.deploys.result('v1');
  expect(await isPending(running)).toBe(true);
  expect((await running).outcome).toBe('succeeded');
}, 60_000);
