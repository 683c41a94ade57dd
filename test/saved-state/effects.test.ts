import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { OnUnrestorable } from '../../src/jobs/define-job.ts';
import { defineJob } from '../../src/jobs/index.ts';
import { eventually } from '../support/eventually.ts';
import { QUEUE, openScene } from '../support/scene.ts';
import { LONG, keyOf } from './steady.ts';

let held = true;
const inserting = (onUnrestorable: OnUnrestorable, effectAt: number) =>
  defineJob({
    name: `inserting-${onUnrestorable}-${effectAt}`,
    taskQueue: QUEUE,
    state: { initial: { at: 0 } },
    checkpointEvery: 0,
    onUnrestorable,
    async *run(job) {
      for (let at = job.state.at + 1; at <= 4; at += 1) {
        if (at === 4 && held) await once(job.stopping, 'abort');
        if (at === effectAt) yield* job.statement('insert into effect (job) values ($1)', [job.id], { at });
        else yield { at };
      }
    },
  });

test('previous never goes behind what was committed with a checkpoint: a person decides, and may do it all the same', async () => {
  const scene = await openScene();
  await scene.ledger.pool.query('create table effect (job text)');
  const jobs = {
    'effect skipped': inserting('previous', 4),
    'effect kept': inserting('previous', 3),
    restarted: inserting('restart', 4),
  };
  const worker = await scene.startWorker(Object.values(jobs));
  for (const [id, job] of Object.entries(jobs)) await scene.jobs.start(job, undefined, { id });
  const at = (id: string, seq: number) => async () => expect((await scene.jobs.handle(id).row())?.seq).toBe(seq);
  for (const id of Object.keys(jobs)) await eventually(at(id, 3), LONG);
  held = false;
  await worker.stop();
  for (const id of Object.keys(jobs)) {
    await at(id, 4)();
    await scene.ledger.pool.query('delete from lockkeeper._checkpoints where key = $1 and seq = 4', [
      await keyOf(scene, id),
    ]);
  }
  await scene.startWorker(Object.values(jobs));
  const effects = async (id: string) =>
    (await scene.ledger.pool.query('select from effect where job = $1', [id])).rowCount;

  await scene.jobs.handle('effect kept').result();
  expect(await effects('effect kept')).toBe(1);
  await scene.jobs.handle('restarted').result();
  expect(await effects('restarted')).toBe(2);

  const skipped = scene.jobs.handle('effect skipped');
  await eventually(async () => expect((await skipped.row())?.state).toBe('quarantined'), LONG);
  expect((await skipped.row())?.reason).toMatch(
    /^not gone back to 3: SQL committed with checkpoint 4 would be done again; /,
  );
  expect(await skipped.checkpoints()).toMatchObject([
    { seq: 3, found: 'restorable', repeatsEffects: true },
    { seq: 2, found: 'restorable', repeatsEffects: true },
  ]);
  await skipped.release({ action: 'from', seq: 3 });
  await skipped.result();
  expect(await effects('effect skipped')).toBe(2);
}, 60_000);
