import { beforeAll, expect, test } from 'vitest';
import { ALL_JOBS, narrow, nightly, partly, waiting } from '../app/graph-jobs.ts';
import type { large } from '../app/graph-jobs.ts';
import type { Scene } from '../support/scene.ts';
import { effects, mend, openGraphScene, states, untilStates } from './graph-scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openGraphScene();
  await scene.startWorker(ALL_JOBS);
});

test('a node begins when those it needs are done, and takes their results; the graph gives what it returned', async () => {
  const run = await scene.graphs.start(nightly, { repos: ['a', 'b/c'], to: 3, everyMs: 1 }, { id: 'nightly-1' });
  expect(await run.result()).toEqual({ report: 'counted: 6', repos: ['a', 'b/c'] });
  expect(await effects(scene, 'nightly-1')).toEqual([
    'mirror a 0',
    'mirror a 1',
    'mirror a 2',
    'mirror b/c 0',
    'mirror b/c 1',
    'mirror b/c 2',
    'report 6',
  ]);
  expect(await states(run)).toEqual({ 'mirror a': 'done', 'mirror b/c': 'done', report: 'done' });
  expect(await scene.costOf('nightly-1')).toEqual({ attempts: 0, failures: 0 });
  await scene.record('job-graph-done', 'nightly-1');
});

test('a failure stops only what needs it; run again, only the failed part runs', async () => {
  const run = await scene.graphs.start(partly, undefined, { id: 'partly-1' });
  await expect(run.result()).rejects.toMatchObject({
    cause: {
      type: 'GRAPH_FAILED',
      message:
        '1 of 5 nodes did not succeed: `bad` failed: the disk is full. Not begun, because they need those: `after`, `last`. 2 done, and they keep their results. Mend the cause, then run the rest again: lockkeeper graph rerun partly-1',
    },
  });
  await scene.record('job-graph-failed', 'partly-1');
  await scene.record('job-of-graph-done', 'partly-1/good');
  await mend(scene, 'partly-1/bad');
  await run.rerun();
  expect(await run.result()).toEqual({ alone: 'alone: 3', after: 'after: 1' });
  expect(await effects(scene, 'partly-1')).toEqual(['after 1', 'alone 3', 'good 0', 'good 1', 'good 2', 'last 0']);
  await scene.record('job-graph-rerun', 'partly-1');
});

test('a large result goes from node to node, and to who asked for the graph', async () => {
  const run = await scene.graphs.start(waiting, undefined, { id: 'large-1' });
  await mend(scene, 'large-1/told');
  const { first, report } = await run.result();
  expect(first.filling).toHaveLength(1_000_000);
  expect(report).toMatch(/^waited: \d+$/);
  expect(await scene.jobs.handle<typeof large>('large-1/first').result()).toMatchObject({ counted: 7 });
  const { events } = await scene.temporal.client.workflow.getHandle('large-1').fetchHistory();
  expect(JSON.stringify(events).length).toBeLessThan(100_000);
});

test('no more than maxParallel run at once; a long graph goes on in a new history, and nothing runs twice', async () => {
  const run = await scene.graphs.start(narrow, { nodes: 12 }, { id: 'narrow-1' });
  let atOnce = 0;
  for await (const { nodes } of run.progress())
    atOnce = Math.max(atOnce, nodes.filter(({ state }) => state === 'running').length);
  expect(atOnce).toBeGreaterThan(0);
  expect(atOnce).toBeLessThanOrEqual(2);
  expect(await run.result()).toHaveLength(12);
  expect(await effects(scene, 'narrow-1')).toHaveLength(24);
  const { raw, runId } = await scene.temporal.client.workflow.getHandle('narrow-1').describe();
  // The server of the tests suggests a new history at 50 events.
  expect(raw.workflowExecutionInfo?.firstRunId).not.toBe(runId);
  await scene.record('job-graph-continued', 'narrow-1', raw.workflowExecutionInfo?.firstRunId ?? undefined);
  await scene.record('job-graph-adopting', 'narrow-1');
}, 60_000);

test('cancelled: jobs at work undo what must not stay, the others never begin', async () => {
  const run = await scene.graphs.start(waiting, undefined, { id: 'cancelled-1' });
  await untilStates(run, { told: 'running', first: 'done' });
  await run.cancel();
  await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect(await states(run)).toEqual({ first: 'done', told: 'cancelled', report: 'skipped', other: 'skipped' });
  expect(await effects(scene, 'cancelled-1')).toContain('told -1');
  await expect(run.cancel()).rejects.toMatchObject({ code: 'USAGE', message: /has ended already: cancelled/ });
  await scene.record('job-graph-cancelled', 'cancelled-1');
  await mend(scene, 'cancelled-1/told');
  expect(await run.rerun()).toEqual({ again: 3, kept: 1 });
  expect((await run.result()).report).toMatch(/^waited: /);
});

test('a node in quarantine: the graph says so, the rest goes on, and a person releases it', async () => {
  const run = await scene.graphs.start(waiting, undefined, { id: 'quarantined-1' });
  await untilStates(run, { told: 'running', first: 'done' });
  const { rows } = await scene.ledger.pool.query<object>(
    `delete from lockkeeper._checkpoints where key = (select key from lockkeeper._jobs where workflow_id = 'quarantined-1/first') returning *`,
  );
  await mend(scene, 'quarantined-1/told');
  await untilStates(run, { report: 'quarantined', other: 'done' });
  const { phase, nodes } = await run.status();
  expect(phase).toBe('quarantined');
  expect(nodes.find(({ name }) => name === 'report')!.reason).toMatch(
    /needs the result of node `first`, job .*: the job is done and its result is not in the ledger/,
  );
  expect(await scene.graphs.list({ state: 'quarantined' })).toMatchObject([{ id: 'quarantined-1', nodes: 4, done: 3 }]);
  for (const row of rows)
    await scene.ledger.pool.query(
      'insert into lockkeeper._checkpoints select * from json_populate_record(null::lockkeeper._checkpoints, $1)',
      [
        JSON.stringify(row, (_, value: unknown) =>
          isBuffer(value) ? `\\x${Buffer.from(value.data).toString('hex')}` : value,
        ),
      ],
    );
  await scene.jobs.handle('quarantined-1/report').release({ action: 'continue' });
  expect((await run.result()).report).toMatch(/^waited: /);
  await scene.record('job-graph-quarantined', 'quarantined-1');
  await scene.record('job-of-graph-quarantined', 'quarantined-1/report');
});

const isBuffer = (value: unknown): value is { data: number[] } =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
