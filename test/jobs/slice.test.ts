import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { defineJob } from '../../src/jobs/index.ts';
import type { Job, Steps } from '../../src/jobs/index.ts';
import { isRetryable } from '../../src/jobs/run-slice.ts';
import type { SliceEnd } from '../../src/jobs/run-slice.ts';
import { claim, head, openQueue } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { failureOf, runOne, savedIn, startSlice } from './slices.ts';
import type { SliceOptions } from './slices.ts';

const ledger = await freshLedger();
const taskQueue = await openQueue(ledger);
beforeAll(async () => {
  await ledger.pool.query('create table item (key text not null, id integer not null)');
});

interface State {
  readonly row: number;
}
const start: State = { row: 0 };
type Run = (job: Job<State>, input: unknown) => Steps<State, unknown>;

/** A job that counts rows; `checkpointEvery` an hour, so that only what must be saved is. */
const counting = (run: Run, checkpointEvery: number | '1h' = '1h') =>
  defineJob({ name: 'count', taskQueue: 'q', state: { initial: start }, checkpointEvery, run });
const here = (more: Partial<SliceOptions> = {}): SliceOptions => ({ ledger, taskQueue, ...more });
const yielded = (reason = 'a deploy'): SliceEnd => ({ kind: 'yielded', reason });

describe('a yield', () => {
  const twenty: Run = async function* () {
    for (let row = 1; row <= 20; row += 1) yield { row };
    return 'counted';
  };

  test('is not written before checkpointEvery has passed', async () => {
    const { key, end } = await runOne(counting(twenty), here());
    expect(end).toEqual({ kind: 'done', result: 'counted' });
    expect(await savedIn(ledger, key)).toEqual({ seq: 1, kind: 'done', value: 'counted' });
  });

  test('with checkpointEvery 0 is written each time', async () => {
    const { key } = await runOne(counting(twenty, 0), here());
    expect(await savedIn(ledger, key)).toMatchObject({ seq: 21, kind: 'done' });
  });

  test('is written again when checkpointEvery has passed since the last write', async () => {
    const run: Run = async function* () {
      for (let row = 1; row <= 40; row += 1) {
        await delay(20);
        yield { row };
      }
    };
    const { key } = await runOne(counting(run, 200), here());
    const { seq } = await savedIn(ledger, key);
    // 40 yields in at least 0.8 s, one write each 0.2 s at most, and the result.
    expect(seq).toBeGreaterThanOrEqual(4);
    expect(seq).toBeLessThanOrEqual(21);
  });

  test('is always written at a stop, and the job goes on from there', async () => {
    const stop = new AbortController();
    const began: number[] = [];
    const run: Run = async function* (job) {
      began.push(job.state.row);
      for (let row = job.state.row + 1; row <= 10; row += 1) {
        if (row === 7) stop.abort('a deploy');
        yield { row };
      }
      return job.state.row;
    };
    const { key, end } = await runOne(counting(run), here({ stopping: stop.signal }));
    expect(end).toEqual(yielded());
    expect(await savedIn(ledger, key)).toEqual({ seq: 1, kind: 'state', value: { row: 7 } });
    expect((await runOne(counting(run), here({ key }))).end).toEqual({ kind: 'done', result: 10 });
    expect(began).toEqual([0, 7]);
  });

  test('changes job.state at once, and nothing before it does', async () => {
    const seen: number[] = [];
    const run: Run = async function* (job) {
      seen.push(job.state.row);
      yield { row: 1 };
      seen.push(job.state.row);
      yield { row: 2 };
      seen.push(job.state.row);
    };
    await runOne(counting(run), here());
    expect(seen).toEqual([0, 1, 2]);
  });

  test('of a helper, by yield*, is a checkpoint as well', async () => {
    const stop = new AbortController();
    async function* helper(): Steps<State> {
      yield { row: 1 };
      stop.abort('a deploy');
      yield { row: 2 };
      yield { row: 3 };
    }
    const run: Run = async function* () {
      yield* helper();
    };
    const { key, end } = await runOne(counting(run), here({ stopping: stop.signal }));
    expect(end).toEqual(yielded());
    expect(await savedIn(ledger, key)).toMatchObject({ value: { row: 2 } });
  });
});

describe('a stop', () => {
  test('that was there before the slice began: one step is done all the same, so that a job always moves', async () => {
    const run: Run = async function* (job) {
      for (let row = job.state.row + 1; ; row += 1) yield { row };
    };
    let key: string | undefined;
    for (let n = 1; n <= 3; n += 1) {
      const one = await runOne(counting(run), here({ stopping: AbortSignal.abort('a deploy'), ...(key && { key }) }));
      key = one.key;
      expect(await savedIn(ledger, key)).toMatchObject({ seq: n, value: { row: n } });
    }
  });

  test('reaches the job as job.stopping, in the same tick', async () => {
    const stop = new AbortController();
    let heard: unknown;
    const run: Run = async function* (job) {
      job.stopping.addEventListener('abort', () => {
        heard = job.stopping.reason;
      });
      stop.abort('a deploy');
      expect(heard).toBe('a deploy');
      yield { row: 1 };
    };
    expect((await runOne(counting(run), here({ stopping: stop.signal }))).end).toEqual(yielded());
  });

  test('of a job that returns without another yield: it is done', async () => {
    const stop = new AbortController();
    const run: Run = async function* () {
      yield { row: 1 };
      stop.abort('a deploy');
      return 'finished anyway';
    };
    expect((await runOne(counting(run), here({ stopping: stop.signal }))).end).toEqual({
      kind: 'done',
      result: 'finished anyway',
    });
  });

  test('of a stateless job: it starts again from its input', async () => {
    const stop = new AbortController();
    let starts = 0;
    const stateless = defineJob({
      name: 'stateless',
      taskQueue: 'q',
      async *run(job, input: { n: number }) {
        starts += 1;
        expect(job.state).toBeUndefined();
        if (starts === 1) stop.abort('a deploy');
        yield undefined;
        return input.n;
      },
    });
    const first = await runOne(stateless, here({ stopping: stop.signal, input: { n: 5 } }));
    expect(first.end).toEqual(yielded());
    expect(await savedIn(ledger, first.key)).toEqual({ seq: 0 });
    expect((await runOne(stateless, here({ key: first.key, input: { n: 5 } }))).end).toEqual({
      kind: 'done',
      result: 5,
    });
    expect(starts).toBe(2);
  });

  test('of a job that yields without ever waiting: it is heard, and timers fire meanwhile', async () => {
    const stop = new AbortController();
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
      if (ticks === 5) stop.abort('a deploy');
    }, 10);
    const run: Run = async function* (job) {
      // By its own clock: a job that is not stopped would keep the runner's from being heard.
      const until = performance.now() + 5_000;
      for (let row = job.state.row + 1; performance.now() < until; row += 1) yield { row };
      return 'was never stopped';
    };
    const { key, end } = await runOne(counting(run), here({ stopping: stop.signal })).finally(() =>
      clearInterval(ticking),
    );
    expect(end).toEqual(yielded());
    expect(ticks).toBeGreaterThanOrEqual(5);
    const { seq, value } = await savedIn(ledger, key);
    expect(seq).toBe(1);
    expect((value as State).row).toBeGreaterThan(5);
  });
});

describe('finally', () => {
  test('runs when the job steps aside, after everything was saved', async () => {
    const told: unknown[] = [];
    const key = 'finally-after-save';
    const run: Run = async function* () {
      try {
        yield { row: 1 };
      } finally {
        told.push(await savedIn(ledger, key));
      }
    };
    expect((await runOne(counting(run), here({ key, stopping: AbortSignal.abort('a deploy') }))).end).toEqual(
      yielded(),
    );
    expect(told).toEqual([{ seq: 1, kind: 'state', value: { row: 1 } }]);
  });

  test('that throws is the error of the job, and what was yielded is saved', async () => {
    const run: Run = async function* () {
      try {
        yield { row: 1 };
      } finally {
        throw new Error('the file could not be closed');
      }
    };
    const slice = await startSlice(counting(run), here({ stopping: AbortSignal.abort('a deploy') }));
    expect(await failureOf(slice)).toMatchObject({ message: 'the file could not be closed' });
    expect(await savedIn(ledger, slice.key)).toMatchObject({ seq: 1, value: { row: 1 } });
  });

  test('that yields is an error with a name, what was yielded before is saved, and outer blocks still run', async () => {
    let outer = false;
    const run: Run = async function* () {
      try {
        try {
          yield { row: 1 };
        } finally {
          yield { row: 99 };
        }
      } finally {
        outer = true;
      }
    };
    const slice = await startSlice(counting(run), here({ stopping: AbortSignal.abort('a deploy') }));
    const error = await failureOf(slice);
    expect(error).toMatchObject({ code: 'YIELD_IN_FINALLY' });
    expect(isRetryable(error)).toBe(false);
    expect(await savedIn(ledger, slice.key)).toMatchObject({ seq: 1, value: { row: 1 } });
    expect(outer).toBe(true);
  });

  test.each<[why: string, value: unknown, code: string]>([
    ['too large', 'a'.repeat(9 * 1024 * 1024), 'STATE_TOO_LARGE'],
    ['not JSON', 1n, 'STATE_INVALID'],
  ])('runs when the yielded state is %s', async (_, value, code) => {
    let closed = false;
    const run: Run = async function* () {
      try {
        yield { row: 1 };
        yield value as State;
      } finally {
        closed = true;
      }
    };
    const slice = await startSlice(counting(run, 0), here());
    const error = await failureOf(slice);
    expect(error).toMatchObject({ code });
    expect(isRetryable(error)).toBe(false);
    expect(closed).toBe(true);
    expect(await savedIn(ledger, slice.key)).toEqual({ seq: 1, kind: 'state', value: { row: 1 } });
  });

  test('runs when a transaction was forgotten', async () => {
    let closed = false;
    const run: Run = async function* (job) {
      try {
        job.transaction(async (_, save) => save({ row: 1 }));
        yield { row: 2 };
      } finally {
        closed = true;
      }
    };
    expect(await failureOf(await startSlice(counting(run), here()))).toMatchObject({
      code: 'TRANSACTION_NOT_ITERATED',
    });
    expect(closed).toBe(true);
  });
});

describe('an error of the job', () => {
  test('after plain yields: the last yielded state is kept, and the retry goes on from it', async () => {
    let attempts = 0;
    const run: Run = async function* (job) {
      attempts += 1;
      for (let row = job.state.row + 1; row <= 5; row += 1) {
        if (row === 4 && attempts === 1) throw new Error('the disk is full');
        yield { row };
      }
      return job.state.row;
    };
    const slice = await startSlice(counting(run), here());
    expect(await failureOf(slice)).toMatchObject({ message: 'the disk is full' });
    expect(await savedIn(ledger, slice.key)).toEqual({ seq: 1, kind: 'state', value: { row: 3 } });
    expect((await runOne(counting(run), here({ key: slice.key }))).end).toEqual({ kind: 'done', result: 5 });
  });

  test('before the first yield: nothing is saved', async () => {
    const run: Run = async function* () {
      throw new Error('at once');
    };
    const slice = await startSlice(counting(run), here());
    await failureOf(slice);
    expect(await savedIn(ledger, slice.key)).toEqual({ seq: 0 });
  });

  test.each([
    [true, new Error('try again')],
    [true, 'a string'],
    [true, null],
    [true, { nonRetryable: false }],
    [false, Object.assign(new Error('never again'), { nonRetryable: true })],
  ])('may be retried: %s for %o', (retryable, error) => {
    expect(isRetryable(error)).toBe(retryable);
  });
});

describe('the result', () => {
  test('is saved as the last checkpoint before the slice ends, and the job is not run again', async () => {
    let runs = 0;
    const run: Run = async function* () {
      runs += 1;
      yield { row: 1 };
      return { rows: 1 };
    };
    const { key } = await runOne(counting(run), here());
    expect(await head(ledger, key)).toMatchObject({ state: 'done', seq: 1 });
    expect(await claim(ledger, { taskQueue, key })).toMatchObject({ verdict: 'ended', reason: 'done', seq: 1 });
    expect(await savedIn(ledger, key)).toEqual({ seq: 1, kind: 'done', value: { rows: 1 } });
    expect(runs).toBe(1);
  });

  test('that cannot be saved fails the job, with the state of before kept', async () => {
    const run: Run = async function* () {
      yield { row: 1 };
      return { rows: 1n };
    };
    const slice = await startSlice(counting(run), here());
    const error = await failureOf(slice);
    expect(error).toMatchObject({ code: 'STATE_INVALID' });
    expect((error as Error).message).toMatch(/^the result cannot be written as JSON/);
    expect(await head(ledger, slice.key)).toMatchObject({ state: 'interrupted' });
    expect(await savedIn(ledger, slice.key)).toEqual({ seq: 1, kind: 'state', value: { row: 1 } });
  });

  test('nothing is a result too', async () => {
    const run: Run = async function* () {
      yield { row: 1 };
    };
    const { key, end } = await runOne(counting(run), here());
    expect(end).toEqual({ kind: 'done', result: undefined });
    expect(await savedIn(ledger, key)).toEqual({ seq: 1, kind: 'done', value: null });
  });
});

describe('an atomic job', () => {
  const atomic = (signal: AbortController, steps: number[]) =>
    defineJob({
      name: 'atomic',
      taskQueue: 'q',
      atomic: { maxDuration: '1m' },
      async *run() {
        for (let step = 1; step <= 3; step += 1) {
          if (step === 2) signal.abort('a deploy');
          steps.push(step);
          yield undefined;
        }
        return 'whole';
      },
    });

  test('is not stopped once begun', async () => {
    const stop = new AbortController();
    const steps: number[] = [];
    const { end } = await runOne(atomic(stop, steps), here({ stopping: stop.signal }));
    expect(end).toEqual({ kind: 'done', result: 'whole' });
    expect(steps).toEqual([1, 2, 3]);
  });

  test('is cancelled at its next yield all the same', async () => {
    const cancel = new AbortController();
    const steps: number[] = [];
    const { end } = await runOne(atomic(cancel, steps), here({ cancelled: cancel.signal }));
    expect(end).toEqual({ kind: 'cancelled' });
    expect(steps).toEqual([1, 2]);
  });
});

describe('cancellation', () => {
  const undoing = (undone: unknown[], cancel: AbortController) =>
    defineJob({
      name: 'undoing',
      taskQueue: 'q',
      state: { initial: start },
      checkpointEvery: '1h',
      async *run() {
        yield { row: 1 };
        cancel.abort();
        yield { row: 2 };
        yield { row: 3 };
      },
      async *onCancel(job, input: { file: string }) {
        undone.push([job.state.row, input.file]);
        yield { row: -1 };
      },
    });

  test('ends the slice at its next yield, saved; onCancel runs with that state, and what it yields is saved', async () => {
    const cancel = new AbortController();
    const undone: unknown[] = [];
    const definition = undoing(undone, cancel);
    const { key, end } = await runOne(definition, here({ cancelled: cancel.signal, input: { file: 'f' } }));
    expect(end).toEqual({ kind: 'cancelled' });
    expect(await savedIn(ledger, key)).toMatchObject({ seq: 1, value: { row: 2 } });
    expect(undone).toEqual([]);
    expect((await runOne(definition, here({ key, mode: 'cancel', input: { file: 'f' } }))).end).toEqual({
      kind: 'cancelled',
    });
    expect(undone).toEqual([[2, 'f']]);
    expect(await savedIn(ledger, key)).toMatchObject({ seq: 2, kind: 'state', value: { row: -1 } });
  });

  test('of a job without onCancel has nothing to do', async () => {
    const run: Run = async function* () {
      yield { row: 1 };
      throw new Error('must not run');
    };
    const { key, end } = await runOne(counting(run), here({ mode: 'cancel' }));
    expect(end).toEqual({ kind: 'cancelled' });
    expect(await savedIn(ledger, key)).toEqual({ seq: 0 });
  });
});

test('progress is told at once, and saved with the next checkpoint', async () => {
  let told = 0;
  const run: Run = async function* (job) {
    job.progress(1, 4, 'Lisbon');
    expect(job.id).toBe('workflow of with-progress');
    yield { row: 1 };
  };
  const { key, saver } = await runOne(counting(run, 0), here({ key: 'with-progress', onProgress: () => (told += 1) }));
  expect(told).toBe(1);
  expect(saver.progress).toEqual({ done: 1, total: 4, note: 'Lisbon' });
  const { rows } = await ledger.pool.query(
    'select progress_done, progress_total, progress_note from lockkeeper.jobs where key = $1',
    [key],
  );
  expect(rows).toEqual([{ progress_done: 1, progress_total: 4, progress_note: 'Lisbon' }]);
});

test('a job that changes its state in place is told so: what was yielded is what is saved', async () => {
  const listing = defineJob({
    name: 'listing',
    taskQueue: 'q',
    state: { initial: { seen: [] as number[] } },
    async *run(job) {
      yield { seen: [...job.state.seen, 1] };
      job.state.seen.push(2);
    },
  });
  await expect(runOne(listing, here())).rejects.toThrow(TypeError);
  expect(listing.options.state?.initial).toEqual({ seen: [] });
});
