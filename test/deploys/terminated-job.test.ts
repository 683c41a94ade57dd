import { beforeAll, expect, test } from 'vitest';
import { EFFECT_TABLE, countUntilTold } from '../app/count-job.ts';
import { eventually } from '../support/eventually.ts';
import { command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  await scene.startWorker([countUntilTold]);
  await scene.startDeployWorker();
});

async function counting(id: string) {
  const job = await scene.jobs.start(countUntilTold, undefined, { id });
  await eventually(async () => expect(await job.row()).toMatchObject({ state: 'running' }));
  return { job, workflow: scene.temporal.client.workflow.getHandle(id) };
}

test('a job whose workflow is terminated while its gate is closed: the deploy does not wait to see it move', async () => {
  const { workflow } = await counting('behind the gate');
  scene.planOf([command('one', 'sleep 2')]);
  const end = scene.deploy('x');
  await eventually(async () => expect(await scene.steps('x')).toEqual(['one started']));
  await workflow.terminate('by the test');
  expect(await end).toEqual({ kind: 'ended', outcome: 'succeeded' });
}, 60_000);

test('a job whose workflow is terminated while a slice of it runs: its claim ends, and holds up no drain', async () => {
  const { workflow } = await counting('at work');
  await workflow.terminate('by the test');
  scene.planOf([command('one', 'true')], { drain: { deadlineMs: 10_000, onTimeout: 'abort', waitMs: 0 } });
  expect(await scene.deploy('y')).toEqual({ kind: 'ended', outcome: 'succeeded' });
  await scene.expectOpen();
}, 60_000);
