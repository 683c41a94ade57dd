import { expect, test } from 'vitest';
import { count, pausing } from '../app/count-job.ts';
import { eventually } from '../support/eventually.ts';
import type { TestProcess } from '../support/processes.ts';
import { openScene } from '../support/scene.ts';
import { expectLaws, expectOnce } from './laws.ts';
import { Place, WITHIN } from './place.ts';

async function holderOf(place: Place, job: string): Promise<{ process: TestProcess; claim: string }> {
  return eventually(
    async () => {
      const [found] = await place.rows<{ pid: number; claim: string }>(
        `select w.pid, j.claim from lockkeeper._jobs j join lockkeeper._claims c on c.claim = j.claim
         join lockkeeper._workers w on w.id = c.worker where j.workflow_id = $1`,
        [job],
      );
      const process = place.processes('worker').find(({ pid }) => pid === found?.pid);
      if (!found || !process) throw new Error(`nobody has job ${job}`);
      return { process, claim: found.claim };
    },
    { within: WITHIN },
  );
}

/** Awake again, the process has said that it stopped what was fenced meanwhile. */
async function hasStopped(place: Place, claim: string): Promise<void> {
  await eventually(
    async () =>
      expect(
        await place.rows(`select from lockkeeper.claims where claim = $1 and state in ('running', 'fenced')`, [claim]),
      ).toEqual([]),
    { within: WITHIN },
  );
}

test('a worker frozen inside a transaction past every timeout: the migration is not held up, and its effect does not count', async () => {
  const place = await Place.open(await openScene());
  await place.start('worker', 'deploy-worker');
  await place.scene.jobs.start(pausing, { ms: 3_000 }, { id: 'job' });
  const { process, claim } = await holderOf(place, 'job');
  await eventually(
    async () =>
      expect(
        await place.rows(`select from pg_stat_activity where application_name = $1 and state = 'idle in transaction'`, [
          `lockkeeper slice ${claim}`,
        ]),
      ).toHaveLength(1),
    { within: WITHIN },
  );
  process.kill('SIGSTOP');
  await place.request('altering', 'altering');
  expect(await place.outcome('altering')).toBe('succeeded');
  expect(await place.rows(`select from effect where job = 'job'`)).toEqual([]);
  await place.start('worker');
  await place.scene.jobs.handle('job').result();
  process.kill('SIGCONT');
  await hasStopped(place, claim);
  expect(await place.numbers('job')).toEqual([0]);
  await place.stop();
  await expectLaws(place, ['altering']);
}, 200_000);

test('a worker frozen outside of a transaction past every timeout: awake again, it adds nothing', async () => {
  const place = await Place.open(await openScene());
  await place.start('worker', 'worker', 'deploy-worker');
  await place.scene.jobs.start(count, { to: 1_500, everyMs: 8 }, { id: 'job' });
  await place.goesOn('job');
  const { process, claim } = await holderOf(place, 'job');
  process.kill('SIGSTOP');
  await eventually(async () => expect((await holderOf(place, 'job')).claim).not.toBe(claim), { within: WITHIN });
  await place.request('meanwhile', 'altering');
  expect(await place.outcome('meanwhile')).toBe('succeeded');
  process.kill('SIGCONT');
  await hasStopped(place, claim);
  await place.scene.jobs.handle('job').result();
  await expectOnce(place, 'job');
  expect(await place.numbers('job')).toHaveLength(1_500);
  await place.stop();
  await expectLaws(place, ['meanwhile']);
}, 200_000);

test('a worker frozen while its queue is drained for a deploy: given up at the deadline, and it adds nothing', async () => {
  const place = await Place.open(await openScene());
  await place.start('worker', 'deploy-worker');
  await place.scene.jobs.start(count, { to: 600, everyMs: 8 }, { id: 'job' });
  await place.goesOn('job');
  const { process, claim } = await holderOf(place, 'job');
  process.kill('SIGSTOP');
  await place.request('drained', 'altering');
  expect(await place.outcome('drained')).toBe('succeeded');
  process.kill('SIGCONT');
  await hasStopped(place, claim);
  await place.scene.jobs.handle('job').result();
  await expectOnce(place, 'job');
  await place.stop();
  await expectLaws(place, ['drained']);
}, 200_000);
