import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { defineJob } from '../../../src/jobs/index.ts';
import type { Job, Steps } from '../../../src/jobs/index.ts';
import { runJobInTest } from '../../../src/testing.ts';

interface State {
  readonly sent: number;
}
const initial: State = { sent: 0 };
type Run = (job: Job<State>, input: { to: number }) => Steps<State, unknown>;
const sending = (run: Run, more: { checkpointEvery?: number; retry?: { maximumAttempts: number } } = {}) =>
  defineJob({ name: 'sending', taskQueue: 'mail', state: { initial }, run, ...more });

let sent: number[];
let closed: number;
beforeEach(() => {
  sent = [];
  closed = 0;
});

const mails: Run = async function* (job, { to }) {
  try {
    for (let mail = job.state.sent + 1; mail <= to; mail += 1) {
      sent.push(mail);
      job.progress(mail, to);
      yield { sent: mail };
    }
    return { sent: to };
  } finally {
    closed += 1;
  }
};
const to = 5;
const froms = (run: { readonly slices: readonly { readonly from: unknown }[] }) => run.slices.map(({ from }) => from);
const ends = (run: { readonly slices: readonly { readonly end: string }[] }) => run.slices.map(({ end }) => end);

test('undisturbed: result, states, checkpoints, progress and the one slice are told', async () => {
  expect(await runJobInTest(sending(mails), { to })).toEqual({
    outcome: 'done',
    result: { sent: 5 },
    checkpoints: 5,
    states: [{ sent: 1 }, { sent: 2 }, { sent: 3 }, { sent: 4 }, { sent: 5 }],
    slices: [{ from: { sent: 0 }, end: 'done' }],
    progress: { done: 5, total: 5, note: undefined },
  });
});

describe('interrupted', () => {
  test('at a checkpoint: saved, finally runs, and a new slice goes on from there', async () => {
    const run = await runJobInTest(sending(mails), { to }, { interruptAt: 2 });
    expect(run.slices).toEqual([
      { from: { sent: 0 }, end: 'interrupted' },
      { from: { sent: 2 }, end: 'done' },
    ]);
    expect(sent).toEqual([1, 2, 3, 4, 5]);
    expect(closed).toBe(2);
  });

  test('at several, and at each', async () => {
    expect(froms(await runJobInTest(sending(mails), { to }, { interruptAt: [1, 4] }))).toEqual([
      { sent: 0 },
      { sent: 1 },
      { sent: 4 },
    ]);
    expect(froms(await runJobInTest(sending(mails), { to: 3 }, { interruptAt: 'each' }))).toEqual([
      { sent: 0 },
      { sent: 1 },
      { sent: 2 },
      { sent: 3 },
    ]);
  });

  test('while it waits for something: job.stopping fires in the middle of the step, not before', async () => {
    const heard: number[] = [];
    const patient = sending(async function* (job) {
      job.stopping.addEventListener('abort', () => heard.push(job.state.sent));
      for (let mail = job.state.sent + 1; mail <= 3; mail += 1) {
        if (mail === 3) return 'stopped twice';
        expect(job.stopping.aborted).toBe(false);
        await delay(60_000, undefined, { signal: job.stopping }).catch(() => undefined);
        yield { sent: mail };
      }
      return 'not stopped';
    });
    const run = await runJobInTest(patient, { to }, { interruptAt: [1, 2] });
    expect(run.result).toBe('stopped twice');
    expect(heard).toEqual([0, 1]);
  });

  test('the state of the next slice has been JSON', async () => {
    const initial: { sent: number; note: string | undefined } = { sent: 0, note: 'none' };
    const noted = defineJob({
      name: 'noted',
      taskQueue: 'mail',
      state: { initial },
      async *run(job) {
        if (job.state.sent === 0) yield { sent: 1, note: undefined };
        return 'note' in job.state ? 'with a note that is undefined' : 'without a note';
      },
    });
    expect((await runJobInTest(noted, undefined)).result).toBe('with a note that is undefined');
    expect((await runJobInTest(noted, undefined, { interruptAt: 1 })).result).toBe('without a note');
  });

  test('a stateless job begins again from its input, which has been JSON', async () => {
    let starts = 0;
    const stateless = defineJob({
      name: 'stateless',
      taskQueue: 'mail',
      async *run(_job, input: { at: Date }) {
        starts += 1;
        yield undefined;
        return typeof input.at;
      },
    });
    expect((await runJobInTest(stateless, { at: new Date() }, { interruptAt: 1 })).result).toBe('string');
    expect(starts).toBe(2);
  });

  test('a job that changes its input finds it as it was', async () => {
    const eating = defineJob({
      name: 'eating',
      taskQueue: 'mail',
      async *run(_job, input: { names: string[] }) {
        input.names.pop();
        yield undefined;
        return input.names;
      },
    });
    const input = { names: ['a', 'b', 'c'] };
    expect((await runJobInTest(eating, input, { interruptAt: 1 })).result).toEqual(['a', 'b']);
    expect(input.names).toHaveLength(3);
  });

  test('an atomic job is not, as in production', async () => {
    const atomic = defineJob({
      name: 'atomic',
      taskQueue: 'mail',
      atomic: { maxDuration: '1m' },
      async *run() {
        yield undefined;
        return 'whole';
      },
    });
    const run = await runJobInTest(atomic, undefined, { interruptAt: 1 });
    expect(run).toMatchObject({ result: 'whole', slices: [{ end: 'done' }] });
    await expect(runJobInTest(atomic, undefined, { killAt: 1 })).rejects.toMatchObject({ code: 'JOB_QUARANTINED' });
  });
});

describe('killed', () => {
  test('before a plain yield is written: nothing since the beginning is saved, and no finally runs', async () => {
    const run = await runJobInTest(sending(mails), { to }, { killAt: 3 });
    expect(run.slices).toEqual([
      { from: { sent: 0 }, end: 'killed' },
      { from: { sent: 0 }, end: 'done' },
    ]);
    expect(sent).toEqual([1, 2, 3, 1, 2, 3, 4, 5]);
    expect(closed).toBe(1);
    expect(run.checkpoints).toBe(8);
  });

  test('after an interruption: what that saved is kept', async () => {
    const run = await runJobInTest(sending(mails), { to }, { interruptAt: 2, killAt: 4 });
    expect(froms(run)).toEqual([{ sent: 0 }, { sent: 2 }, { sent: 2 }]);
    expect(ends(run)).toEqual(['interrupted', 'killed', 'done']);
  });

  test.each([
    ['the job writes each yield', sending(mails, { checkpointEvery: 0 }), {}],
    ['the test says so', sending(mails), { checkpointEvery: 0 }],
  ])('where %s: one step only is done again', async (_, job, options) => {
    const run = await runJobInTest(job, { to }, { killAt: 3, ...options });
    expect(froms(run)).toEqual([{ sent: 0 }, { sent: 2 }]);
    expect(sent).toEqual([1, 2, 3, 3, 4, 5]);
  });

  test('at its end, before the result is saved', async () => {
    const run = await runJobInTest(sending(mails, { checkpointEvery: 0 }), { to }, { killAt: 6 });
    expect(run.slices).toEqual([
      { from: { sent: 0 }, end: 'killed' },
      { from: { sent: 5 }, end: 'done' },
    ]);
    expect(run.result).toEqual({ sent: 5 });
  });

  test('tells the test, which undoes what would have died with the process', async () => {
    let locked = false;
    const locking = sending(async function* () {
      if (locked) throw Object.assign(new Error('locked'), { nonRetryable: true });
      locked = true;
      yield { sent: 1 };
      locked = false;
    });
    await expect(runJobInTest(locking, { to }, { killAt: 1 })).rejects.toThrow('locked');
    locked = false;
    await runJobInTest(locking, { to }, { killAt: 1, onKill: () => (locked = false) });
    expect(locked).toBe(false);
  });

  test('five times without progress: quarantined, as in production', async () => {
    const job = sending(mails);
    await runJobInTest(job, { to }, { killAt: [1, 2, 3, 4] });
    await expect(runJobInTest(job, { to }, { killAt: [1, 2, 3, 4, 5] })).rejects.toThrow(
      /is quarantined: interrupted 5 times without progress since checkpoint 0/,
    );
  });
});

describe('an error of the job', () => {
  test('thrown at a checkpoint: finally runs, and the retry goes on from it', async () => {
    const run = await runJobInTest(sending(mails), { to }, { failAt: 2 });
    expect(run.slices).toMatchObject([
      { from: { sent: 0 }, end: 'failed', error: { message: 'thrown by the test after checkpoint 2' } },
      { from: { sent: 2 }, end: 'done' },
    ]);
    expect(sent).toEqual([1, 2, 3, 4, 5]);
    expect(closed).toBe(2);
  });

  test('which the job catches lets it go on to its next checkpoint, where the next thing happens', async () => {
    const caught: unknown[] = [];
    const careful = sending(async function* (job) {
      for (let mail = job.state.sent + 1; mail <= 3; mail += 1) {
        try {
          yield { sent: mail };
        } catch (error) {
          caught.push((error as Error).message);
        }
      }
    });
    const run = await runJobInTest(careful, { to }, { failAt: 1, interruptAt: 2 });
    expect(caught).toEqual(['thrown by the test after checkpoint 1']);
    expect(ends(run)).toEqual(['interrupted', 'done']);
  });

  test('of its own is tried again by its budget, then it is the error of the run', async () => {
    let attempts = 0;
    const failing = sending(
      async function* (job) {
        attempts += 1;
        if (job.state.sent === 0) yield { sent: 1 };
        throw new Error('the disk is full');
      },
      { retry: { maximumAttempts: 3 } },
    );
    await expect(runJobInTest(failing, { to })).rejects.toThrow('the disk is full');
    // The first one has made progress and is the first of three.
    expect(attempts).toBe(3);
  });

  test('after a checkpoint each time is tried again for ever in production, and ends in a test', async () => {
    const going = sending(async function* (job) {
      yield { sent: job.state.sent + 1 };
      throw new Error('the disk is full');
    });
    await expect(runJobInTest(going, { to })).rejects.toThrow(
      /did not end within 500 slices; the last one began with { sent: 499 } and was failed: the disk is full/,
    );
  });

  test.each<[string, Run, string]>([
    [
      'a yield in finally',
      async function* () {
        try {
          yield { sent: 1 };
        } finally {
          yield { sent: 2 };
        }
      },
      'YIELD_IN_FINALLY',
    ],
    [
      'a state that JSON cannot hold',
      async function* () {
        yield { sent: 1n as never };
      },
      'STATE_INVALID',
    ],
    [
      'a result that JSON cannot hold',
      async function* () {
        yield { sent: 1 };
        return new Map();
      },
      'STATE_INVALID',
    ],
  ])('%s is the same error as in production', async (_, run, code) => {
    await expect(runJobInTest(sending(run), { to }, { interruptAt: 1 })).rejects.toMatchObject({ code });
  });

  test('a job that never looks at its state does not go round for ever', async () => {
    const deaf = sending(async function* () {
      yield { sent: 1 };
    });
    await expect(runJobInTest(deaf, { to }, { interruptAt: 'each' })).rejects.toThrow(
      /within 500 slices; the last one began with { sent: 1 } and was interrupted. Does it go on from `job.state`/,
    );
  });

  test('a state changed in place is the same error as in production', async () => {
    const changing = defineJob({
      name: 'changing',
      taskQueue: 'mail',
      state: { initial: { seen: [] as number[] } },
      retry: { maximumAttempts: 1 },
      async *run(job) {
        yield { seen: [1] };
        job.state.seen.push(2);
      },
    });
    await expect(runJobInTest(changing, undefined)).rejects.toThrow(TypeError);
  });

  test('a state that cannot be saved shows also where the job is not interrupted', async () => {
    const unfit = sending(async function* () {
      yield { sent: (() => 1) as never };
    });
    await expect(runJobInTest(unfit, { to })).rejects.toMatchObject({ code: 'STATE_INVALID' });
  });

  test('an input that does not parse', async () => {
    const parsing = defineJob({
      name: 'parsing',
      taskQueue: 'mail',
      parseInput: (value) => {
        if (typeof value !== 'string') throw new Error('not a string');
        return value;
      },
      async *run(_job, input) {
        yield undefined;
        return input;
      },
    });
    expect((await runJobInTest(parsing, 'a')).result).toBe('a');
    await expect(runJobInTest(parsing, 1 as never)).rejects.toMatchObject({ code: 'JOB_INPUT_INVALID' });
  });
});

describe('cancelled', () => {
  const undone: unknown[] = [];
  const undoing = defineJob({
    name: 'undoing',
    taskQueue: 'mail',
    state: { initial },
    run: mails,
    async *onCancel(job, input) {
      for (let mail = job.state.sent; mail > 0; mail -= 1) {
        undone.push([mail, input.to]);
        yield { sent: mail - 1 };
      }
    },
  });
  beforeEach(() => undone.splice(0));

  test('at a checkpoint: saved, finally runs, then onCancel with that state', async () => {
    const run = await runJobInTest(undoing, { to }, { cancelAt: 2 });
    expect(run).toMatchObject({ outcome: 'cancelled', result: undefined });
    expect(ends(run)).toEqual(['cancelled', 'cancelled']);
    expect(undone).toEqual([
      [2, 5],
      [1, 5],
    ]);
    expect(closed).toBe(1);
  });

  test('after an error: not while the job still deals with that', async () => {
    const run = await runJobInTest(undoing, { to }, { failAt: 2, cancelAt: 3 });
    expect(ends(run)).toEqual(['failed', 'cancelled', 'cancelled']);
    expect(undone).toHaveLength(3);
  });

  test('onCancel is interrupted and killed as well', async () => {
    const run = await runJobInTest(undoing, { to }, { cancelAt: 3, interruptAt: 4, killAt: 6 });
    expect(run.slices).toEqual([
      { from: { sent: 0 }, end: 'cancelled' },
      { from: { sent: 3 }, end: 'interrupted' },
      { from: { sent: 2 }, end: 'killed' },
      { from: { sent: 2 }, end: 'cancelled' },
    ]);
    expect(run.outcome).toBe('cancelled');
  });

  test('while it waits for something: job.cancellationSignal fires', async () => {
    const waiting = sending(async function* (job) {
      await delay(60_000, undefined, { signal: job.cancellationSignal });
      yield { sent: 1 };
    });
    expect(await runJobInTest(waiting, { to }, { cancelAt: 1 })).toMatchObject({
      outcome: 'cancelled',
      slices: [{ end: 'failed', error: { name: 'AbortError' } }, { end: 'cancelled' }],
    });
  });
});

describe('a test that shows nothing is told so', () => {
  test.each([
    ['interruptAt', { interruptAt: 9 }],
    ['killAt', { killAt: [2, 99] }],
    ['failAt', { failAt: 15 }],
    ['cancelAt', { cancelAt: 6 }],
  ])('%s, which the job does not reach', async (what, options) => {
    await expect(runJobInTest(sending(mails), { to }, options)).rejects.toThrow(
      new RegExp(`^${what} \\d+ did not happen: job sending had ended after \\d checkpoints. Choose an earlier one`),
    );
  });

  test.each([[0], [-1], [1.5], [NaN]])('checkpoint %d', async (n) => {
    await expect(runJobInTest(sending(mails), { to }, { interruptAt: n })).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('two things at one checkpoint', async () => {
    await expect(runJobInTest(sending(mails), { to }, { interruptAt: 2, killAt: 2 })).rejects.toThrow(
      /checkpoint 2 stands in interruptAt and in killAt/,
    );
  });

  test('a transaction without a database, whatever the job makes of the error', async () => {
    const quiet = sending(async function* (job) {
      try {
        yield* job.transaction(async (_sql, save) => save({ sent: 1 }));
      } catch {
        yield { sent: 2 };
      }
    });
    await expect(runJobInTest(quiet, { to })).rejects.toThrow(/named no database.*Pass `database`/);
  });
});

test('everything is inferred from the definition', async () => {
  const typed = defineJob({
    name: 'typed',
    taskQueue: 'mail',
    state: { initial: { at: 0 } },
    async *run(_job, input: { word: string }) {
      yield { at: 1 };
      return { length: input.word.length };
    },
  });
  const run = await runJobInTest(typed, { word: 'one' });
  expectTypeOf(run.result).toEqualTypeOf<{ length: number } | undefined>();
  expectTypeOf(run.states).toEqualTypeOf<readonly { at: number }[]>();
  // @ts-expect-error -- another input
  expectTypeOf(() => runJobInTest(typed, { words: 1 })).toBeFunction();
});
