import { expect, test } from 'vitest';
import { stateful } from './app/jobs.ts';
import { Place, items } from './place.ts';

// A deploy over stateful jobs, SIGTERM and SIGKILL of their workers: test/deploys/main-path.test.ts. Here is what is late.
const place = await Place.open();

const begins = async (job: string) => (await place.marks(job)).filter((what) => what.startsWith('begin'));
const done = async (job: string) => (await place.marks(job)).filter((what) => what.startsWith('item'));

test('a deploy: a stateful job goes on from its checkpoint, what was done before it is not done again', async () => {
  await place.workers(1);
  await place.start(stateful, 'deployed', { items: 400 });
  await place.reached('deployed', 'item 10');
  await place.begin('over-it');
  await place.finish('over-it');
  expect(await place.result('deployed')).toBe('done');
  expect(await done('deployed')).toEqual(items(0, 400));
  expect(await begins('deployed')).toHaveLength(2);
  expect(await place.scene.costOf('deployed')).toEqual({ attempts: 0, failures: 0 });
}, 90_000);

test('SIGKILL between two checkpoints: only what came after the last one is done again', async () => {
  await place.workers(2);
  await place.start(stateful, 'killed', { items: 5, holdAt: 2 });
  await place.reached('killed', 'item 2');
  (await place.holder('killed')).kill('SIGKILL');
  await place.reached('killed', 'item 2', 2);
  await place.tell('killed');
  expect(await place.result('killed')).toBe('done');
  expect(await begins('killed')).toEqual(['begin at 0', 'begin at 2']);
  expect(await done('killed')).toEqual([...items(0, 3), ...items(2, 5)]);
}, 90_000);

test('SIGTERM, and no yield within the grace: it goes on elsewhere from its last checkpoint', async () => {
  await place.workers(2);
  await place.start(stateful, 'deaf', { items: 5, holdAt: 2 });
  await place.reached('deaf', 'item 2');
  const holder = await place.holder('deaf');
  holder.kill('SIGTERM');
  // It never heard of it, and its process ends all the same.
  expect(await holder.ended()).toMatchObject({ code: 1 });
  await place.reached('deaf', 'item 2', 2);
  await place.tell('deaf');
  expect(await place.result('deaf')).toBe('done');
  expect(await begins('deaf')).toEqual(['begin at 0', 'begin at 2']);
}, 90_000);

test('deadline passed, onTimeout abandon: it is given up, and goes on from its last checkpoint after the deploy', async () => {
  await place.workers(1);
  await place.start(stateful, 'given-up', { items: 5, holdAt: 2 });
  await place.reached('given-up', 'item 2');
  await place.begin('abandoning', 'abandon');
  expect(await place.end('abandoning')).toMatchObject({ outcome: 'succeeded' });
  await place.reached('given-up', 'item 2', 2);
  await place.tell('given-up');
  expect(await place.result('given-up')).toBe('done');
  expect(await begins('given-up')).toEqual(['begin at 0', 'begin at 2']);
  // Whoever was given up stops at its next yield, and item 2 was in its hands.
  expect((await done('given-up')).filter((what) => what === 'item 3')).toHaveLength(1);
}, 90_000);

test('deadline passed, onTimeout wait: the deploy waits for its next yield, and nothing is done again', async () => {
  await place.workers(1);
  await place.start(stateful, 'waited-for', { items: 5, holdAt: 2 });
  await place.reached('waited-for', 'item 2');
  await place.begin('waiting', 'wait');
  expect(await place.late('waiting')).toBe('draining, late: kinds');
  await place.tell('waited-for');
  expect(await place.end('waiting')).toMatchObject({ outcome: 'succeeded' });
  expect(await place.result('waited-for')).toBe('done');
  expect(await begins('waited-for')).toEqual(['begin at 0', 'begin at 3']);
  expect(await done('waited-for')).toEqual(items(0, 5));
}, 90_000);

test('deadline passed, onTimeout abort: the deploy fails; the job, told to stop, goes on from its next yield', async () => {
  await place.workers(1);
  await place.start(stateful, 'left-alone', { items: 5, holdAt: 2 });
  await place.reached('left-alone', 'item 2');
  await place.begin('aborting', 'abort');
  expect(await place.end('aborting')).toMatchObject({ outcome: 'failed' });
  await place.tell('left-alone');
  expect(await place.result('left-alone')).toBe('done');
  expect(await begins('left-alone')).toEqual(['begin at 0', 'begin at 3']);
  expect(await done('left-alone')).toEqual(items(0, 5));
}, 90_000);
