import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineJob } from '../../src/jobs/index.ts';
import { eventually } from '../support/eventually.ts';
import { QUEUE, openScene } from '../support/scene.ts';

test('a job that an operator resets, at work and when it is done, goes on from its last checkpoint: nothing is done twice', async () => {
  const scene = await openScene();
  await scene.ledger.pool.query('create table item (id integer)');
  const job = defineJob({
    name: 'items',
    taskQueue: QUEUE,
    state: { initial: { at: 0 } },
    async *run(self) {
      while (self.state.at < 100) {
        const next = self.state.at + 1;
        await delay(20);
        yield* self.statement('insert into item (id) values ($1)', [next], { at: next });
      }
      return self.state.at;
    },
  });
  await scene.startWorker([job]);
  const handle = await scene.jobs.start(job, undefined, { id: 'job' });
  for (const seq of [10, 40]) {
    await eventually(async () => expect((await handle.row())?.seq).toBeGreaterThan(seq));
    await scene.reset('job');
  }
  expect(await scene.jobs.handle('job').result()).toBe(100);
  await scene.reset('job');
  expect(await scene.jobs.handle('job').result()).toBe(100);
  const { rows } = await scene.ledger.pool.query<{ id: number }>('select id from item order by id');
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  const jobs = await scene.ledger.pool.query(`select from lockkeeper._jobs where workflow_id = 'job'`);
  expect(jobs.rowCount).toBe(1);
}, 60_000);
