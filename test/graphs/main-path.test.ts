import { beforeAll, expect, test } from 'vitest';
import { EFFECT_TABLE } from '../app/count-job.ts';
import { fragile, large, mirror, nightly, partly, report } from '../app/graph-jobs.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(`${EFFECT_TABLE}; create table mended (job text not null)`);
  await scene.startWorker([mirror, report, fragile, large]);
});

const effects = async (graph: string): Promise<string[]> => {
  const { rows } = await scene.ledger.pool.query<{ what: string }>(
    `select job || ' ' || n as what from effect where starts_with(job, $1) order by job, n`,
    [`${graph}/`],
  );
  return rows.map(({ what }) => what.slice(graph.length + 1));
};

test('a node begins when those it needs are done, and takes their results; the graph gives what it returned', async () => {
  const run = await scene.graphs.start(nightly, { repos: ['a', 'b/c'], to: 3, everyMs: 1 }, { id: 'nightly-1' });
  expect(await run.result()).toEqual({ report: 'counted: 6', repos: ['a', 'b/c'] });
  expect(await effects('nightly-1')).toEqual([
    'mirror a 0',
    'mirror a 1',
    'mirror a 2',
    'mirror b/c 0',
    'mirror b/c 1',
    'mirror b/c 2',
    'report 6',
  ]);
  expect((await run.status()).nodes.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'mirror a done',
    'mirror b/c done',
    'report done',
  ]);
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
  await scene.ledger.pool.query(`insert into mended values ('partly-1/bad')`);
  await run.rerun();
  expect(await run.result()).toEqual({ alone: 'alone: 3', after: 'after: 1' });
  expect(await effects('partly-1')).toEqual(['after 1', 'alone 3', 'good 0', 'good 1', 'good 2', 'last 0']);
  await scene.record('job-graph-rerun', 'partly-1');
});
