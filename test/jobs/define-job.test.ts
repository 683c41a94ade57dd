import { describe, expect, test } from 'vitest';
import { LockkeeperError } from '../../src/errors.ts';
import { defineJob, isJobDefinition } from '../../src/jobs/index.ts';

const good = {
  name: 'importCities',
  taskQueue: 'imports',
  state: { initial: { row: 0 } },
  async *run() {
    yield { row: 1 };
  },
};
/** A definition as JavaScript may write it. */
const define = (more: Record<string, unknown>) => defineJob({ ...good, ...more } as never);

test('what is left out has its default', () => {
  expect(defineJob(good)).toMatchObject({
    kind: 'lockkeeper.job',
    name: 'importCities',
    taskQueue: 'imports',
    retry: { maximumAttempts: 5, initialIntervalMs: 1_000, backoffCoefficient: 2, maximumIntervalMs: 60_000 },
    checkpointEveryMs: undefined,
    heartbeatTimeoutMs: undefined,
    atomicMs: undefined,
    lossesAllowed: 5,
  });
});

test('durations are taken in words and in milliseconds', () => {
  const { retry, checkpointEveryMs, heartbeatTimeoutMs } = defineJob({
    ...good,
    retry: { maximumAttempts: 1, initialInterval: '250ms', backoffCoefficient: 1, maximumInterval: '5m' },
    checkpointEvery: 0,
    heartbeatTimeout: '1.5s',
  });
  expect(retry).toEqual({
    maximumAttempts: 1,
    initialIntervalMs: 250,
    backoffCoefficient: 1,
    maximumIntervalMs: 300_000,
  });
  expect([checkpointEveryMs, heartbeatTimeoutMs]).toEqual([0, 1_500]);
  expect(define({ state: undefined, atomic: { maxDuration: '2h' } }).atomicMs).toBe(7_200_000);
});

describe('refused', () => {
  const tooLong = 'a'.repeat(101);
  test.each<[what: string, more: Record<string, unknown>, words: RegExp]>([
    ['no name', { name: undefined }, /^job undefined: the name is not usable/],
    ['an empty name', { name: '' }, /^job "": the name is not usable/],
    ['a name that begins with a digit', { name: '1st' }, /name is not usable.*beginning with a letter/],
    ['a name with a space', { name: 'import cities' }, /^job "import cities": the name is not usable/],
    ['a name with a slash', { name: 'a/b' }, /name is not usable/],
    ['a name of 101 letters', { name: tooLong }, /name is not usable.*at most 100/],
    ['no task queue', { taskQueue: undefined }, /^job "importCities": it has no task queue. Set `taskQueue`/],
    ['an empty task queue', { taskQueue: '' }, /no task queue/],
    ['no run', { run: undefined }, /no `run`/],
    ['a run that is no function', { run: {} }, /no `run`/],
    ['atomic with a state', { atomic: { maxDuration: '1m' } }, /atomic and has a state/],
    ['state version 0', { state: { version: 0, initial: {} } }, /state version 0 is not a positive whole number/],
    ['state version 1.5', { state: { version: 1.5, initial: {} } }, /state version 1.5 is not a positive whole number/],
    [
      'an initial state that JSON cannot hold',
      { state: { initial: { seen: new Set() } } },
      /the initial state .*Set at "seen"/,
    ],
    ['retry of 0 attempts', { retry: { maximumAttempts: 0 } }, /retry.maximumAttempts is 0.*1 for no retry/],
    ['retry of 2.5 attempts', { retry: { maximumAttempts: 2.5 } }, /retry.maximumAttempts is 2.5/],
    ['pauses that shrink', { retry: { backoffCoefficient: 0.5 } }, /retry.backoffCoefficient is 0.5/],
    ['pauses that are no number', { retry: { backoffCoefficient: Number.NaN } }, /retry.backoffCoefficient is NaN/],
    [
      'an initial interval of "soon"',
      { retry: { initialInterval: 'soon' } },
      /retry.initialInterval: "soon" is not a duration/,
    ],
    ['a maximum interval of -1', { retry: { maximumInterval: -1 } }, /retry.maximumInterval: -1 is not a duration/],
    ['checkpointEvery "1 s"', { checkpointEvery: '1 s' }, /checkpointEvery: "1 s" is not a duration/],
    [
      'heartbeatTimeout Infinity',
      { heartbeatTimeout: Number.POSITIVE_INFINITY },
      /heartbeatTimeout: .* is not a duration/,
    ],
    [
      'atomic without an end',
      { state: undefined, atomic: { maxDuration: 'long' } },
      /atomic.maxDuration: "long" is not a duration/,
    ],
  ])('%s', (_, more, words) => {
    const act = () => define(more);
    expect(act).toThrow(LockkeeperError);
    expect(act).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }) as Error);
    expect(act).toThrow(words);
  });
});

test.each<[what: string, value: unknown, is: boolean]>([
  ['a definition', defineJob(good), true],
  ['its options', good, false],
  ['nothing', undefined, false],
  ['null', null, false],
  ['a name', 'lockkeeper.job', false],
])('%s is told from other things', (_, value, is) => {
  expect(isJobDefinition(value)).toBe(is);
});

test('an atomic job that is lost once is quarantined, unless it may begin again', () => {
  const of = (atomic: object) => define({ state: undefined, atomic: { maxDuration: '1m', ...atomic } }).lossesAllowed;
  expect([of({}), of({ onCrash: 'quarantine' }), of({ onCrash: 'restart' })]).toEqual([1, 1, 5]);
});
