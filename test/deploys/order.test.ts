import { beforeAll, expect, test } from 'vitest';
import { byOrder, coordinatorId, DEPLOY_START_SIGNAL } from '../../src/protocol.ts';
import { eventually } from '../support/eventually.ts';
import { ENVIRONMENT, command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { runsOf, succeeded } from './runs.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.startDeployWorker();
});

const request = (id: string, more = {}) => scene.deploys.request({ id, plan: 'default', requestedBy: 'test', ...more });
const coordinator = (runId?: string) => scene.temporal.client.workflow.getHandle(coordinatorId(ENVIRONMENT), runId);

const runs = () => runsOf(scene);
const ended = (...ids: string[]) => succeeded(scene, ids);

test('deploys requested at once run one after the other, in the order of their approval', async () => {
  scene.planOf([command('one', 'sleep 0.3')]);
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const tickets = await Promise.all(ids.map((id) => request(id)));
  await ended(...ids);
  const inOrder = tickets.toSorted(byOrder).map((ticket) => ticket.deploy);
  const found = await runs();
  expect(found.map((run) => run.deploy)).toEqual(inOrder);
  for (const [i, run] of found.entries()) if (i > 0) expect(run.from).toBeGreaterThanOrEqual(found[i - 1]!.to);
  await scene.expectOpen();
}, 60_000);

test('the same request again gets its first ticket; another body under its id is refused', async () => {
  scene.planOf([command('one', 'true')]);
  const first = await request('twice');
  await ended('twice');
  expect(await request('twice')).toEqual({ ...first, code: 900, outcome: 'succeeded' });
  await expect(request('twice', { version: 'v2' })).rejects.toMatchObject({ code: 'DEPLOY_CONFLICT' });
});

test('a deploy that waits can be taken back, one that runs or has ended cannot; a wrapper that leaves takes its own back', async () => {
  scene.planOf([command('one', 'sleep 2')]);
  const taken = (deploy: string) => scene.deploys.withdraw({ deploy, reason: 'the test says so', by: 'test' });
  await request('runs');
  await request('taken-back');
  const leaving = new AbortController();
  const left = scene.deploy('left', {
    signal: leaving.signal,
    onEvent: ({ kind }) => void (kind === 'waiting' && leaving.abort()),
  });
  await taken('taken-back');
  expect(await left).toEqual({ kind: 'interrupted', reason: 'deploy left had not begun and was withdrawn' });
  await eventually(() => expect(taken('runs')).rejects.toMatchObject({ code: 'DEPLOY_NOT_CURRENT' }));
  await expect(taken('never-was')).rejects.toMatchObject({ code: 'DEPLOY_NOT_FOUND' });
  await ended('runs');
  await request('behind-it');
  await ended('behind-it');
  expect((await runs()).map((run) => run.deploy).slice(-2)).toEqual(['runs', 'behind-it']);
  expect(await request('taken-back')).toMatchObject({ outcome: 'aborted' });
}, 60_000);

test('a request that cannot be one is refused with words, by update and by signal', async () => {
  await expect(request('a/b')).rejects.toMatchObject({ code: 'DEPLOY_INVALID' });
  await expect(request('lonely', { external: { mode: 'lease' } })).rejects.toMatchObject({ code: 'DEPLOY_INVALID' });
  for (const bad of [undefined, null, 7, {}, { id: 'x' }, { id: 'a/b', plan: 'default', requestedBy: 'me' }]) {
    await coordinator().signal(DEPLOY_START_SIGNAL, bad);
  }
  await eventually(async () => expect((await scene.deploys.coordinator()).refused).toHaveLength(6));
  await coordinator().signal('deployFinish', null);
  await coordinator().signal('queueDrained', 'nonsense');
  scene.planOf([command('one', 'true')]);
  await coordinator().signal(DEPLOY_START_SIGNAL, { id: 'by-signal', plan: 'default', requestedBy: 'a script' });
  await ended('by-signal');
});

test('a coordinator that was terminated comes back with everything that was accepted', async () => {
  scene.planOf([command('one', 'sleep 1')]);
  await request('before-1');
  await request('before-2');
  await coordinator().terminate('by the test');
  await request('after');
  await ended('before-1', 'before-2', 'after');
  const order = (await runs()).map((run) => run.deploy).slice(-3);
  expect(order).toEqual(['before-1', 'before-2', 'after']);
  await scene.expectOpen();
}, 60_000);

test('a coordinator that is cancelled ends, the deploy that runs does not, and a new one goes on', async () => {
  scene.planOf([command('one', 'sleep 1')]);
  await request('cancelled-1');
  await request('cancelled-2');
  const { runId } = await coordinator().describe();
  await coordinator().cancel();
  await eventually(async () => expect((await coordinator(runId).describe()).status.name).toBe('CANCELLED'));
  await request('cancelled-3');
  await ended('cancelled-1', 'cancelled-2', 'cancelled-3');
  const found = await runs();
  expect(found.map((run) => run.deploy).slice(-3)).toEqual(['cancelled-1', 'cancelled-2', 'cancelled-3']);
  await scene.expectOpen();
  await scene.record('deploy-coordinator-cancelled', coordinatorId(ENVIRONMENT), runId);
}, 60_000);

/** A deploy whose deploy worker is stopped and started anew in the middle of its first step. */
async function restartInTheMiddle(idempotent: boolean) {
  const other = await openScene();
  const first = await other.startDeployWorker();
  other.planOf([command('one', 'echo one; sleep 3', { idempotent }), command('two', 'echo two')], { holdMs: 1_000 });
  let restarted: Promise<unknown> | undefined;
  const end = await other.deploy('carried-on', {
    on: ({ phase }) => {
      if (!phase.startsWith('step 1')) return;
      restarted ??= eventually(() => expect(other.output).toEqual(['one']))
        .then(() => first.stop())
        .then(() => other.startDeployWorker());
    },
  });
  await restarted;
  await other.expectOpen();
  return { end, output: other.output, steps: await other.steps('carried-on') };
}

test('the deploy worker restarts in the middle of an idempotent command: it is run again', async () => {
  const { end, output } = await restartInTheMiddle(true);
  expect(end).toEqual({ kind: 'ended', outcome: 'succeeded' });
  expect(output).toEqual(['one', 'one', 'two']);
}, 90_000);

test('the deploy worker restarts in the middle of a command that is not idempotent: in doubt, never run twice', async () => {
  const { end, output, steps } = await restartInTheMiddle(false);
  expect(end).toMatchObject({
    outcome: 'failed',
    reason: expect.stringContaining('is in doubt: the deploy worker stopped') as string,
  });
  expect(output).toEqual(['one']);
  expect(steps).toEqual(['one inDoubt', 'two pending']);
}, 90_000);

test('refresh: the coordinator continues as new and forgets nothing', async () => {
  scene.planOf([command('one', 'true')]);
  const { runId } = await coordinator().describe();
  await coordinator().signal('refresh');
  await eventually(async () => expect((await coordinator().describe()).runId).not.toBe(runId));
  await scene.record('deploy-coordinator-continued', coordinatorId(ENVIRONMENT), runId);
  await request('after-refresh');
  await ended('after-refresh');
});
