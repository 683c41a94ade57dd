import { expect, test } from 'vitest';
import { stateless } from './app/jobs.ts';
import { Place, items } from './place.ts';

const place = await Place.open();

/** It began so often, and the last time did everything from the start. */
async function expectBegun(job: string, times: number, count: number): Promise<void> {
  expect(await place.result(job)).toBe('done');
  const marks = await place.marks(job);
  expect(marks.filter((what) => what === 'begin')).toHaveLength(times);
  expect(marks.slice(marks.lastIndexOf('begin') + 1)).toEqual(items(0, count));
  expect(await place.scene.costOf(job)).toEqual({ attempts: 0, failures: 0 });
}

test('a deploy: a stateless job steps aside at its next yield, and begins again from its input after', async () => {
  await place.workers(2);
  await place.start(stateless, 'deployed', { items: 200 });
  await place.reached('deployed', 'item 10');
  await place.begin('over-it');
  await place.reaches('over-it', 500);
  const before = await place.marks('deployed');
  // Long before it would have ended by itself, and while the gate is closed nothing more.
  expect(before.length).toBeLessThan(200);
  expect(before.filter((what) => what === 'begin')).toHaveLength(1);
  await place.finish('over-it');
  await expectBegun('deployed', 2, 200);
}, 90_000);

test('SIGTERM of its worker: it steps aside at its next yield, and begins again at another one', async () => {
  await place.workers(2);
  await place.start(stateless, 'told-to-stop', { items: 100 });
  await place.reached('told-to-stop', 'item 10');
  await place.stopWorkers([await place.holder('told-to-stop')]);
  await expectBegun('told-to-stop', 2, 100);
  expect(await place.scene.jobs.handle('told-to-stop').row()).toMatchObject({ losses: 0, interruptions: 1 });
}, 90_000);

test('SIGKILL of its worker: it begins again at another one, and the loss is counted', async () => {
  await place.workers(2);
  await place.start(stateless, 'killed', { items: 100 });
  await place.reached('killed', 'item 10');
  (await place.holder('killed')).kill('SIGKILL');
  await expectBegun('killed', 2, 100);
  expect(await place.scene.jobs.handle('killed').row()).toMatchObject({ losses: 1 });
}, 90_000);

test('deadline passed, onTimeout abandon: it is given up, and begins again after the deploy', async () => {
  await place.workers(1);
  await place.start(stateless, 'given-up', { items: 5, holdAt: 2 });
  await place.reached('given-up', 'item 2');
  await place.begin('abandoning', 'abandon');
  expect(await place.end('abandoning')).toMatchObject({ outcome: 'succeeded' });
  await place.reached('given-up', 'item 2', 2);
  await place.tell('given-up');
  expect(await place.result('given-up')).toBe('done');
  expect((await place.marks('given-up')).filter((what) => what === 'begin')).toHaveLength(2);
  // Whoever was given up stops at its next yield.
  expect((await place.marks('given-up')).filter((what) => what === 'item 3')).toHaveLength(1);
}, 90_000);

test('deadline passed, onTimeout wait: the deploy waits until it yields; it begins again after', async () => {
  await place.workers(1);
  await place.start(stateless, 'waited-for', { items: 5, holdAt: 2 });
  await place.reached('waited-for', 'item 2');
  await place.begin('waiting', 'wait');
  await place.late('waiting');
  await place.tell('waited-for');
  expect(await place.end('waiting')).toMatchObject({ outcome: 'succeeded' });
  await expectBegun('waited-for', 2, 5);
}, 90_000);

test('deadline passed, onTimeout abort: the deploy fails; the job, told to stop, begins again at its next yield', async () => {
  await place.workers(1);
  await place.start(stateless, 'left-alone', { items: 5, holdAt: 2 });
  await place.reached('left-alone', 'item 2');
  await place.begin('aborting', 'abort');
  expect(await place.end('aborting')).toMatchObject({
    outcome: 'failed',
    reason: expect.stringContaining('not drained within 1 s') as string,
  });
  expect((await place.marks('left-alone')).filter((what) => what === 'begin')).toHaveLength(1);
  await place.tell('left-alone');
  await expectBegun('left-alone', 2, 5);
}, 90_000);
