import { expect, test } from 'vitest';
import { deployRunId } from '../../src/protocol.ts';
import { count } from '../app/count-job.ts';
import { ENVIRONMENT, command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

/** What a deploy with a number of jobs waiting for their first slice asks of the ledger and of Temporal. */
async function costWith(jobs: number): Promise<{ queries: number; events: number }> {
  const scene = await openScene();
  scene.planOf([command('one', 'true')]);
  // No worker: the jobs are open, and none of them runs.
  for (let i = 0; i < jobs; i += 1) await scene.jobs.start(count, { to: 1, everyMs: 0 }, { id: `waiting-${i}` });
  const queries = countQueries(scene);
  await scene.startDeployWorker();
  expect(await scene.deploy('d')).toEqual({ kind: 'ended', outcome: 'succeeded' });
  const asked = queries();
  const { events } = await scene.temporal.client.workflow.getHandle(deployRunId(ENVIRONMENT)).fetchHistory();
  for (let i = 0; i < jobs; i += 1) await scene.jobs.handle(`waiting-${i}`).cancel();
  return { queries: asked, events: (events ?? []).length };
}

function countQueries({ ledger }: Scene): () => number {
  let asked = 0;
  const query = ledger.pool.query.bind(ledger.pool);
  ledger.pool.query = ((...args: Parameters<typeof query>) => {
    asked += 1;
    return query(...args);
  }) as typeof ledger.pool.query;
  return () => asked;
}

test('a deploy asks ledger and server the same with 200 open jobs as with 2', async () => {
  const few = await costWith(2);
  const many = await costWith(200);
  // A tick more or less of what looks now and then.
  expect(many.queries).toBeLessThan(few.queries * 1.5);
  expect(many.events).toBeLessThan(few.events * 1.5);
}, 120_000);
