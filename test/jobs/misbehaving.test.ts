import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WorkflowFailedError } from '@temporalio/client';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EFFECT_TABLE, count } from '../app/count-job.ts';
import { atomic, atomicAgain, blocking, careless, hangingFinally, throwing } from '../app/misbehaving-jobs.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import { command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

const CONFIG = fileURLToPath(new URL('../app/misbehaving.yaml', import.meta.url));
let scene: Scene;
let id: string;
beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  await scene.startDeployWorker();
});
beforeEach(() => {
  id = randomUUID();
});

/** Workers of one test, as processes; killed at its end. */
async function workers(number: number): Promise<TestProcess[]> {
  const processes = new Processes();
  const env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl };
  const started = Array.from({ length: number }, () =>
    processes.node('dist/cli/main.js', ['worker', '--config', CONFIG], { env }),
  );
  atEnd(() => started.forEach((one) => one.kill('SIGKILL')));
  for (const one of started) await one.waitForLine(/worker ready/, { within: 40_000 });
  return started;
}

const row = () => scene.jobs.handle(id).row();
const numbers = async () => {
  const { rows } = await scene.ledger.pool.query<{ n: number; build: string }>(
    'select n, build from effect where job = $1 order by n, at',
    [id],
  );
  return rows;
};
const running = () =>
  eventually(async () => expect(await row()).toMatchObject({ state: 'running' }), { within: 20_000 });

async function failure(): Promise<string> {
  const error: unknown = await scene.jobs
    .handle(id)
    .result()
    .then(
      () => 'it did not fail',
      (e: unknown) => e,
    );
  expect(error).toBeInstanceOf(WorkflowFailedError);
  return ((error as WorkflowFailedError).cause?.cause as Error).message;
}

describe('a job that blocks its process', () => {
  test('for longer than its heartbeat timeout: it goes on after the timeout, and what the blocked one does later does not count', async () => {
    const all = await workers(2);
    await scene.jobs.start(blocking, { ms: 8_000 }, { id });
    await scene.jobs.handle(id).result();
    expect((await numbers()).map(({ n }) => n)).toEqual([0, 1]);
    for (const one of all) {
      one.kill('SIGTERM');
      await one.ended({ within: 20_000 });
    }
    expect((await numbers()).map(({ n }) => n)).toEqual([0, 1]);
  }, 60_000);

  test('during a drain: the deploy gives it up at its deadline', async () => {
    await workers(1);
    await scene.jobs.start(blocking, { ms: 8_000 }, { id });
    await eventually(async () => expect(await numbers()).toHaveLength(1), { within: 20_000 });
    scene.planOf([command('one', 'true')], { drain: { deadlineMs: 1_500, onTimeout: 'abandon', waitMs: 0 } });
    expect(await scene.deploy(id)).toEqual({ kind: 'ended', outcome: 'succeeded' });
    await scene.jobs.handle(id).result();
    expect((await numbers()).map(({ n }) => n)).toEqual([0, 1]);
  }, 60_000);
});

test('a `finally` that never ends: the deploy gives the job up at its deadline, and it goes on elsewhere', async () => {
  const [first] = await workers(2);
  await scene.jobs.start(hangingFinally, { to: 200 }, { id });
  await running();
  scene.planOf([command('one', 'true')], { drain: { deadlineMs: 1_500, onTimeout: 'abandon', waitMs: 0 } });
  expect(await scene.deploy(id)).toEqual({ kind: 'ended', outcome: 'succeeded' });
  await scene.jobs.handle(id).result();
  expect(await row()).toMatchObject({ state: 'done' });
  first!.kill('SIGTERM');
  // Its slice still hangs in it, if it had one: it is given up, and the worker ends all the same.
  await first!.ended({ within: 20_000 });
}, 60_000);

test.each([
  ['undefined', 'undefined'],
  ['string', 'just words'],
  ['frozen', 'frozen'],
  ['getter', 'whose message could not be read'],
  ['huge', 'hhhh'],
  ['cyclic', 'cyclic'],
])('throws something strange (%s): the job fails with its retry budget, in words', async (what, words) => {
  const worker = await scene.startWorker([throwing]);
  await scene.jobs.start(throwing, { what }, { id });
  const message = await failure();
  expect(message).toContain(words);
  expect(message.length).toBeLessThan(20_000);
  expect(await row()).toMatchObject({ state: 'failed' });
  await worker.stop();
});

test('leaves a rejected promise behind: it is logged, and the other jobs of the worker go on', async () => {
  const [worker] = await workers(1);
  await scene.jobs.start(count, { to: 150, everyMs: 10 }, { id });
  await running();
  const other = await scene.jobs.start(careless, undefined, { id: `${id}-careless` });
  expect(await other.result()).toBe('done');
  expect(await worker!.waitForLine(/nobody awaited it/)).toContain('nobody awaits this');
  expect(await scene.jobs.handle(id).result()).toEqual({ counted: 150 });
  expect(await scene.costOf(id)).toEqual({ attempts: 0, failures: 0 });
  expect(await row()).toMatchObject({ interruptions: 0 });
}, 60_000);

describe('an input', () => {
  test('that is too large is refused before anything is started, with its size and what to do', async () => {
    const large = scene.jobs.start(throwing, { what: 'x'.repeat(3 * 1024 * 1024) }, { id });
    await expect(large).rejects.toMatchObject({ code: 'JOB_INPUT_INVALID' });
    await expect(large).rejects.toThrow(/has 31457\d\d bytes of JSON, at most 2093056/);
    await expect(scene.temporal.client.workflow.getHandle(id).describe()).rejects.toThrow(/not found/i);
  });

  test('that cannot be JSON is refused', async () => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    await expect(scene.jobs.start(throwing, cyclic as never, { id })).rejects.toMatchObject({
      code: 'JOB_INPUT_INVALID',
    });
  });
});

describe('an atomic job', () => {
  let marks: string;
  const marked = () => readFileSync(marks, 'utf8').split('\n').filter(Boolean);
  const begun = () => eventually(() => expect(marked()).toEqual(['begins']), { within: 20_000 });
  beforeEach(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-atomic-'));
    atEnd(() => rm(folder, { recursive: true, force: true }));
    marks = path.join(folder, 'marks');
  });

  test('whose worker is killed in the middle waits for a person, and begins again when one says so', async () => {
    const [first] = await workers(2);
    await scene.jobs.start(atomic, { ms: 3_000, marks }, { id });
    await begun();
    const { rows } = await scene.ledger.pool.query<{ pid: number }>(
      'select pid from lockkeeper.jobs where workflow_id = $1',
      [id],
    );
    process.kill(rows[0]!.pid, 'SIGKILL');
    await eventually(async () => expect(await row()).toMatchObject({ state: 'quarantined' }), { within: 20_000 });
    expect((await row())?.reason).toContain('it is atomic: whether its work was done nobody knows');
    expect(marked()).toEqual(['begins']);
    // The ledger knows it a moment before the workflow does.
    await eventually(() => scene.jobs.handle(id).release({ action: 'continue' }));
    await scene.jobs.handle(id).result();
    expect(marked()).toEqual(['begins', 'begins', 'ends']);
    expect(first).toBeDefined();
  }, 60_000);

  test('that outlives the grace of its worker waits for a person, too', async () => {
    const [worker] = await workers(1);
    await scene.jobs.start(atomic, { ms: 2_000, marks }, { id });
    await begun();
    worker!.kill('SIGTERM');
    await worker!.ended({ within: 20_000 });
    await workers(1);
    await eventually(async () => expect(await row()).toMatchObject({ state: 'quarantined' }), { within: 20_000 });
    expect(marked()).toEqual(['begins']);
    await eventually(() => scene.jobs.handle(id).release({ action: 'fail' }));
  }, 60_000);

  test('with onCrash restart begins again by itself', async () => {
    await workers(2);
    await scene.jobs.start(atomicAgain, { ms: 2_000, marks }, { id });
    await begun();
    const { rows } = await scene.ledger.pool.query<{ pid: number }>(
      'select pid from lockkeeper.jobs where workflow_id = $1',
      [id],
    );
    process.kill(rows[0]!.pid, 'SIGKILL');
    await scene.jobs.handle(id).result();
    expect(marked()).toEqual(['begins', 'begins', 'ends']);
  }, 60_000);
});
