import { beforeAll, expect, test } from 'vitest';
import { EFFECT_TABLE, count } from '../app/count-job.ts';
import { mirror, nightly, report } from '../app/graph-jobs.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  await scene.startWorker([count, mirror, report]);
});

test('the jobs of a graph belong to whom the graph belongs', async () => {
  const run = await scene.graphs.start(
    nightly,
    { repos: ['a'], to: 1, everyMs: 0 },
    { id: 'nightly', owner: 'team-maps' },
  );
  await run.result();
  const jobs = await scene.jobs.list({ owner: 'team-maps' });
  expect(jobs.map(({ workflowId, owner }) => [workflowId, owner])).toEqual([
    ['nightly/report', 'team-maps'],
    ['nightly/mirror a', 'team-maps'],
  ]);
});

test.each([
  ['nothing', ''],
  ['too much', 'x'.repeat(201)],
  ['a line break', 'a\nb'],
  ['spaces at its ends', ' ada '],
  ['half a character', '\ud800'],
  ['a number', 7 as unknown as string],
])('an owner that is %s is refused, and nothing is started', async (_, owner) => {
  const refusal = { code: 'USAGE', message: expect.stringContaining('the owner of a job is') as string };
  await expect(scene.jobs.start(count, { to: 1, everyMs: 0 }, { id: 'refused', owner })).rejects.toMatchObject(refusal);
  const graph = scene.graphs.start(nightly, { repos: ['a'], to: 1, everyMs: 0 }, { id: 'refused', owner });
  await expect(graph).rejects.toMatchObject(refusal);
  await expect(scene.jobs.handle('refused').describe()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
});

test('a workflow that somebody starts by hand with what is no owner has none', async () => {
  await scene.temporal.client.workflow.execute('job', {
    workflowId: 'by-hand',
    taskQueue: 'numbers',
    args: [{ job: 'count', input: { to: 1, everyMs: 0 }, owner: { name: 'a\nb' } }],
  });
  const row = await scene.jobs.handle('by-hand').row();
  expect(row).toMatchObject({ state: 'done' });
  expect(row).not.toHaveProperty('owner');
});
