import { beforeAll, describe, expect, test } from 'vitest';
import { defineJob } from '../../src/index.ts';
import { EFFECT_TABLE, count, countUntilTold, failing } from '../app/count-job.ts';
import { eventually } from '../support/eventually.ts';
import { QUEUE, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

/** On a queue that nobody serves. */
const unserved = defineJob({
  name: 'unserved',
  taskQueue: 'unserved',
  async *run(_, input: { n: number }) {
    yield undefined;
    return input.n;
  },
});

const parsing = defineJob({
  name: 'parsing',
  taskQueue: QUEUE,
  parseInput: (value: unknown) => {
    const { at } = value as { at: string };
    if (typeof at !== 'string') throw new Error('`at` is a time, as text');
    return { at: new Date(at) };
  },
  async *run(_job, { at }) {
    yield undefined;
    return { year: at.getUTCFullYear() };
  },
});

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  await scene.startWorker([count, countUntilTold, failing, parsing]);
});

describe('an id that is taken', () => {
  test('by the same job with an equal input, however its keys are ordered, gives that job', async () => {
    const first = await scene.jobs.start(count, { to: 3, everyMs: 0 }, { id: 'taken' });
    await scene.jobs.start(count, { everyMs: 0, to: 3 }, { id: 'taken' });
    await first.result();
    const after = await scene.jobs.start(count, { everyMs: 0, to: 3 }, { id: 'taken' });
    expect(await after.result()).toEqual({ counted: 3 });
  });

  test('by the same job with another input is refused, while it runs and when it is done', async () => {
    const another = () => scene.jobs.start(count, { to: 4, everyMs: 0 }, { id: 'mine' });
    const refusal = {
      code: 'JOB_EXISTS',
      message: expect.stringContaining('the id mine of job count belongs to the same job with another input') as string,
    };
    const job = await scene.jobs.start(count, { to: 100, everyMs: 20 }, { id: 'mine' });
    await expect(another()).rejects.toMatchObject(refusal);
    await job.result();
    await expect(another()).rejects.toMatchObject(refusal);
  });

  test('by another job is refused, and by a workflow of somebody else', async () => {
    await scene.jobs.start(unserved, { n: 1 }, { id: 'theirs' });
    await expect(scene.jobs.start(count, { to: 1, everyMs: 0 }, { id: 'theirs' })).rejects.toMatchObject({
      code: 'JOB_EXISTS',
      message: expect.stringContaining('belongs to job unserved') as string,
    });
    await scene.temporal.client.workflow.start('whatever', { workflowId: 'foreign', taskQueue: 'unserved' });
    await expect(scene.jobs.start(count, { to: 1, everyMs: 0 }, { id: 'foreign' })).rejects.toMatchObject({
      code: 'JOB_EXISTS',
      message: expect.stringContaining('belongs to a workflow whatever') as string,
    });
  });

  test('by one that failed begins anew, with another input too', async () => {
    const id = 'again';
    const first = await scene.jobs.start(failing, { progress: false, times: 9 }, { id });
    await expect(first.result()).rejects.toThrow();
    const second = await scene.jobs.start(failing, { progress: true, times: 1 }, { id });
    expect(await second.result()).toBe('good in the end');
    expect(await second.describe()).toMatchObject({ state: 'done' });
  });
});

describe('an input', () => {
  test('is judged by the job as its worker will see it, before anything is started', async () => {
    await expect(scene.jobs.start(parsing, { at: 7 } as never, { id: 'never-started' })).rejects.toMatchObject({
      code: 'JOB_INPUT_INVALID',
      message: expect.stringContaining('`at` is a time, as text') as string,
    });
    await expect(scene.jobs.handle('never-started').describe()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    const job = await scene.jobs.start(parsing, { at: new Date('1999-12-31') });
    expect(await job.result()).toEqual({ year: 1999 });
  });
});

test('whoever asks about a job that is not there hears JOB_NOT_FOUND', async () => {
  const nobody = scene.jobs.handle('nobody');
  const asked = [
    () => nobody.result(),
    () => nobody.status(),
    () => nobody.describe(),
    () => nobody.progress().next(),
    () => nobody.cancel(),
    () => nobody.release({ action: 'continue' }),
  ];
  for (const ask of asked) await expect(ask()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  expect(await nobody.row()).toBeUndefined();
});

describe('progress', () => {
  test('begins with a job that waits, and ends when the job has ended', async () => {
    const job = await scene.jobs.start(count, { to: 40, everyMs: 30 }, { id: 'told' });
    const states: string[] = [];
    let done: number | undefined;
    for await (const row of job.progress()) {
      states.push(row.state);
      done = row.progress.done;
    }
    expect(states.at(-1)).toBe('done');
    expect(done).toBe(40);
    expect(states.length).toBeGreaterThan(2);
  });

  test('of a job that nobody serves says pending, once, and ends when its reader leaves', async () => {
    const job = await scene.jobs.start(unserved, { n: 1 }, { id: 'waits' });
    const left = new AbortController();
    const states: string[] = [];
    const read = (async () => {
      for await (const row of job.progress({ signal: left.signal })) states.push(`${row.name} ${row.state}`);
    })();
    await eventually(() => expect(states).toEqual(['unserved pending']));
    left.abort();
    await read;
    expect(states).toEqual(['unserved pending']);
  });

  test('of a job whose workflow was terminated ends as failed, and says why', async () => {
    const job = await scene.jobs.start(unserved, { n: 1 }, { id: 'terminated' });
    await scene.temporal.client.workflow.getHandle('terminated').terminate();
    let last: unknown;
    for await (const row of job.progress()) last = row;
    expect(last).toMatchObject({ state: 'failed', reason: 'its workflow is TERMINATED' });
  });
});

describe('a list', () => {
  const owner = "O'Brien & sons, 50%";
  const idsOf = async (options: Parameters<Scene['jobs']['list']>[0]) =>
    (await scene.jobs.list(options)).map((row) => row.workflowId);

  beforeAll(async () => {
    // One after another: the ledger orders them by the beginning of their work.
    for (const n of [1, 2, 3])
      await (await scene.jobs.start(count, { to: n, everyMs: 0 }, { id: `owned-${n}`, owner })).result();
    await scene.jobs.start(unserved, { n: 1 }, { id: 'owned-pending', owner });
    await eventually(async () => expect((await idsOf({ owner })).length).toBe(4));
  });

  test('of an owner, however it is spelled', async () => {
    expect(await idsOf({ owner })).toEqual(['owned-pending', 'owned-3', 'owned-2', 'owned-1']);
    expect(await idsOf({ owner, state: 'done' })).toEqual(['owned-3', 'owned-2', 'owned-1']);
    expect(await idsOf({ owner, name: 'unserved' })).toEqual(['owned-pending']);
    expect(await idsOf({ owner, name: 'count', limit: 2 })).toEqual(['owned-3', 'owned-2']);
    expect(await idsOf({ owner: `x' or LockkeeperKind = 'job` })).toEqual([]);
  });

  test('by name, by state, and of as many as asked for', async () => {
    const names = new Set((await scene.jobs.list({ name: 'count' })).map((row) => row.name));
    expect([...names]).toEqual(['count']);
    expect(await idsOf({ name: 'unserved', state: 'pending' })).toContain('owned-pending');
    expect(await idsOf({ name: 'count', state: 'pending' })).toEqual([]);
    expect(await idsOf({ name: 'count', limit: 2 })).toEqual(['owned-3', 'owned-2']);
    expect((await idsOf({ state: 'done', limit: 1 })).length).toBe(1);
  });

  test('of those that wait finds them behind many that run', async () => {
    // The one that waits is the oldest of all.
    await scene.jobs.start(unserved, { n: 2 }, { id: 'oldest' });
    const ids = Array.from({ length: 5 }, (_, n) => `runs-${n}`);
    for (const id of ids) await scene.jobs.start(countUntilTold, undefined, { id });
    for (const id of ids) await eventually(async () => expect(await scene.jobs.handle(id).row()).toBeDefined());
    await eventually(async () => expect((await idsOf({ state: 'pending', limit: 1 })).length).toBe(1));
    expect((await idsOf({ state: 'pending', name: 'unserved', limit: 1 }))[0]).toBe('oldest');
    for (const id of ids) await scene.ledger.pool.query(`insert into effect values ($1, -1, 'test')`, [id]);
    for (const id of ids) await scene.jobs.handle(id).result();
  });
});
