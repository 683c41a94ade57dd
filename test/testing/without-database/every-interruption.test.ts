import { AssertionError } from 'node:assert';
import { describe, expect, test } from 'vitest';
import { defineJob } from '../../../src/jobs/index.ts';
import type { Job, Steps } from '../../../src/jobs/index.ts';
import { everyInterruption } from '../../../src/testing.ts';

interface State {
  readonly row: number;
  readonly sum: number;
}
const initial: State = { row: 0, sum: 0 };
type Run = (job: Job<State>, input: { rows: number }) => Steps<State, unknown>;
const adding = (run: Run, checkpointEvery: number | '1s' = '1s') =>
  defineJob({ name: 'adding', taskQueue: 'q', state: { initial }, checkpointEvery, run });
const rows = 4;

/** What `everyInterruption` says of a job with a mistake. */
async function complaint(checked: Promise<unknown>): Promise<AssertionError> {
  const error: unknown = await checked.then(
    () => 'no complaint',
    (e: unknown) => e,
  );
  if (!(error instanceof AssertionError)) throw new Error(`no AssertionError: ${String(error)}`, { cause: error });
  return error;
}

test('a job that keeps everything in its state passes', async () => {
  const job = adding(async function* (job) {
    let { sum } = job.state;
    for (let row = job.state.row + 1; row <= rows; row += 1) {
      sum += row;
      yield { row, sum };
    }
    return sum;
  });
  // 4 interruptions, a kill at each of 5 places, and once more where a yield before it may be saved or not.
  expect(await everyInterruption(job, { rows })).toEqual({ checkpoints: 4, runs: 1 + 4 + 5 + 4 });
});

describe('a job that keeps a sum in a variable', () => {
  const forgetful = adding(async function* (job) {
    let sum = 0;
    for (let row = job.state.row + 1; row <= rows; row += 1) {
      sum += row;
      yield { row, sum };
    }
    return sum;
  });

  test('is caught, with each place, what came out, and what to look for', async () => {
    const { message, actual, expected } = await complaint(everyInterruption(forgetful, { rows }));
    expect(message.split('\n')).toEqual([
      'job adding did not end as if undisturbed in 8 of 13 runs:',
      '  interrupted at checkpoint 1 (went on from { row: 1, sum: 1 }): 9',
      '  interrupted at checkpoint 2 (went on from { row: 2, sum: 3 }): 7',
      '  interrupted at checkpoint 3 (went on from { row: 3, sum: 6 }): 4',
      '  interrupted at checkpoint 4 (went on from { row: 4, sum: 10 }): 0',
      '  killed at checkpoint 2, with checkpoint 1 saved (went on from { row: 1, sum: 1 }): 9',
      '  killed at checkpoint 3, with checkpoint 2 saved (went on from { row: 2, sum: 3 }): 7',
      '  killed at checkpoint 4, with checkpoint 3 saved (went on from { row: 3, sum: 6 }): 4',
      '  killed at its end, before the result was saved, with checkpoint 4 saved (went on from { row: 4, sum: 10 }): 0',
      'undisturbed: 10',
      expect.stringContaining('look for what it keeps in a variable'),
    ]);
    expect([actual, expected]).toEqual([9, 10]);
  });

  test('at the chosen checkpoints only', async () => {
    const { message } = await complaint(everyInterruption(forgetful, { rows }, { at: [2], kills: false }));
    expect(message).toMatch(/in 1 of 1 runs:\n {2}interrupted at checkpoint 2 /);
  });
});

describe('a job that does its effect before a plain yield', () => {
  const ledgerBook: number[] = [];
  const reset = () => ledgerBook.splice(0);
  const outcome = () => [...ledgerBook];
  const booking = (checkpointEvery: number | '1s', book: (row: number) => void) =>
    adding(async function* (job) {
      for (let row = job.state.row + 1; row <= 3; row += 1) {
        book(row);
        yield { row, sum: 0 };
      }
    }, checkpointEvery);
  const twice = (row: number) => ledgerBook.push(row);
  const once = (row: number) => {
    if (!ledgerBook.includes(row)) ledgerBook.push(row);
  };

  test.each([['1s' as const], [0]])(
    'is caught by its kills, and by them alone (checkpointEvery %s)',
    async (checkpointEvery) => {
      const job = booking(checkpointEvery, twice);
      const { message } = await complaint(everyInterruption(job, { rows }, { reset, outcome }));
      expect(message).toMatch(/killed at checkpoint 1 \(went on from { row: 0, sum: 0 }\): \[ 1, 1, 2, 3 \]/);
      expect(message).not.toMatch(/interrupted at/);
      expect(message).toMatch(/make the steps idempotent, or commit effect and checkpoint together/);
      await everyInterruption(job, { rows }, { reset, outcome, kills: false });
    },
  );

  test('passes when the effect is idempotent', async () => {
    await everyInterruption(booking('1s', once), { rows }, { reset, outcome });
  });

  test('is not blamed for a reset that was forgotten: the comparison is', async () => {
    reset();
    const { message } = await complaint(everyInterruption(booking('1s', twice), { rows }, { outcome }));
    expect(message).toMatch(/^job adding, undisturbed, has another outcome when it is run a second time:\n/);
    expect(message).toMatch(/Let `reset` put back everything/);
  });
});

test('a job that keeps its place in its module is caught, for the second run shows it', async () => {
  let place = 0;
  const job = adding(async function* () {
    while (place < 3) {
      place += 1;
      yield { row: place, sum: 0 };
    }
    return { place, ended: place };
  });
  const outcome = (run: { readonly checkpoints: number }) => run.checkpoints;
  const { message } = await complaint(everyInterruption(job, { rows }, { outcome, kills: false }));
  expect(message).toMatch(/keeps something in its module/);
});

describe('a job that takes a lock', () => {
  let locked = false;
  const unlock = () => {
    locked = false;
  };
  const locking = (release: () => void) =>
    adding(async function* (job) {
      if (locked) throw new Error('the file is locked');
      locked = true;
      try {
        for (let row = job.state.row + 1; row <= 3; row += 1) yield { row, sum: 0 };
        return 'counted';
      } finally {
        release();
      }
    });

  test('and releases it in finally passes; the lock in memory dies with a killed process', async () => {
    await everyInterruption(locking(unlock), { rows }, { reset: unlock, onKill: unlock });
  });

  test('and forgets it in finally is caught, with its own error', async () => {
    const job = locking(() => undefined);
    const { message, cause } = await complaint(everyInterruption(job, { rows }, { reset: unlock, onKill: unlock }));
    expect(message).toMatch(/ {2}interrupted at checkpoint 1: it failed: the file is locked\n/);
    expect(message).toMatch(/what its `finally` does not release/);
    expect(cause).toMatchObject({ message: 'the file is locked' });
  });
});

test('a job without a checkpoint: there is nothing to interrupt, and the test is told so', async () => {
  const none = adding(async function* () {
    return 1;
  });
  expect((await complaint(everyInterruption(none, { rows }))).message).toMatch(/^job adding reached no checkpoint/);
});

test('a job that yields only when it is told to stop is interrupted there, and killed at its end', async () => {
  const stopped: boolean[] = [];
  const patient = adding(async function* (job) {
    await new Promise((resolve) => setTimeout(resolve));
    stopped.push(job.stopping.aborted);
    if (job.stopping.aborted) yield job.state;
    return 1;
  });
  expect(await everyInterruption(patient, { rows })).toEqual({ checkpoints: 0, runs: 3 });
  // Left alone; interrupted, and again; killed at its end, and again.
  expect(stopped).toEqual([false, true, false, false, false]);
});

test('no checkpoint chosen is a mistake of the test', async () => {
  const job = adding(async function* () {
    yield { row: 1, sum: 0 };
  });
  await expect(everyInterruption(job, { rows }, { at: [] })).rejects.toMatchObject({ code: 'USAGE' });
  await expect(everyInterruption(job, { rows }, { at: [3] })).rejects.toThrow(
    /interrupted at checkpoint 3: it failed: interruptAt 3 did not happen: job adding had ended after 1 checkpoint\./,
  );
});

test.each(['reset', 'outcome'] as const)('an error of the test in %s is not blamed on the job', async (which) => {
  const job = adding(async function* () {
    yield { row: 1, sum: 0 };
  });
  let calls = 0;
  const broken = () => {
    calls += 1;
    if (calls === 2) throw new Error('no such table');
  };
  await expect(everyInterruption(job, { rows }, { [which]: broken })).rejects.toThrow(/^no such table$/);
});

test('a job that fails undisturbed fails with its own error', async () => {
  const failing = adding(async function* () {
    throw Object.assign(new Error('at once'), { nonRetryable: true });
  });
  await expect(everyInterruption(failing, { rows })).rejects.toThrow('at once');
});
