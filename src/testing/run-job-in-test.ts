import type pg from 'pg';
import type { Duration } from '../duration.ts';
import type { JobDefinition } from '../jobs/define-job.ts';
import type { Progress } from '../ledger/checkpoints.ts';
import type { Logger } from '../log.ts';
import type { Disturbances } from './disturbances.ts';
import { TestJob } from './test-job.ts';
import { withPlaces } from './places.ts';

/** How a job is run in a test. */
export interface TestSettings {
  /**
   * The test database of a job that uses `job.transaction` or `job.statement`: its URL, or a pool of the test's own. It must
   * hold the tables of the job. The tables of lockkeeper are brought into it, in a schema of their own, and hold nothing of the
   * job afterwards. Left out: the job's state lives in memory.
   */
  readonly database?: string | pg.Pool;
  /** Begins with this state, as an older version of the job may have saved it: `migrate` and `parse` are applied to it. */
  readonly resumeFrom?: { readonly state: unknown; readonly version?: number };
  /**
   * Instead of the job's own. In a test no time passes: a plain `yield` that is not interrupted is written only if this is 0, so
   * that a kill takes everything since the last interruption or transaction. That is the most that may be lost in production.
   */
  readonly checkpointEvery?: Duration;
  /** Called when the job has been killed: undo what would have died with its process, such as a lock in its memory. */
  readonly onKill?: () => unknown;
  /** Where `job.log` goes; nowhere unless said otherwise. */
  readonly log?: Logger;
}

export type TestRunOptions = Disturbances & TestSettings;

/** One slice of a run. */
export interface TestSlice<S> {
  /** The state it began with. */
  readonly from: S;
  readonly end: 'done' | 'interrupted' | 'killed' | 'failed' | 'cancelled';
  /** What the job's own code threw, when it failed. */
  readonly error?: unknown;
}

/** What became of a job in a test. */
export interface TestRun<S, R> {
  readonly outcome: 'done' | 'cancelled';
  /** As whoever waits for the job gets it: after JSON. Undefined when the job was cancelled. */
  readonly result: R | undefined;
  /** How many checkpoints it reached, those at which it was killed included. */
  readonly checkpoints: number;
  /** The state at each checkpoint, in order; what was lost by a kill and done again stands there again. */
  readonly states: readonly S[];
  readonly slices: readonly TestSlice<S>[];
  /** What `job.progress` told last. */
  readonly progress: Progress;
}

/**
 * Runs a job in the test's own process, without Temporal, by the code that drives it in production, and lets happen to it what
 * the options say. State, input and result go through JSON between slices as they do there, and errors are tried again by the
 * job's own retry budget, without its pauses.
 *
 * What the job keeps outside of its `run` (module variables, its own connections) lives on after a kill, as it would not in
 * production: see `onKill`. `job.id` is the same in every run.
 *
 * Rejects with the error of the job's own code once its retry budget is used up.
 *
 * @throws {LockkeeperError} JOB_QUARANTINED (its state could not be restored, or it was killed too often without progress),
 *   JOB_INPUT_INVALID, USAGE (no such checkpoint; a transaction and no database), LEDGER_UNREACHABLE, LEDGER_SCHEMA
 * @throws {AssertionError} a disturbance did not happen, because the job had ended before
 * @example
 * // A deploy hits the job on its way to the second checkpoint.
 * const run = await runJobInTest(sendInvoices, { month: 11 }, { interruptAt: 2 });
 * assert.deepEqual(run.slices.map((slice) => slice.from), [{ sent: 0 }, { sent: 2 }]);
 * assert.deepEqual(run.result, { sent: 5 });
 * @example
 * // The worker is killed; rows and place are one transaction, so the test needs its database.
 * await runJobInTest(importCities, { part: 0 }, { killAt: 3, database: process.env.TEST_DATABASE_URL });
 * @example
 * // A job that version 1 has saved goes on under this code.
 * const run = await runJobInTest(importCities, { part: 0 }, { resumeFrom: { version: 1, state: { line: 20 } }, database });
 * assert.deepEqual(run.slices[0].from, { row: 20 });
 */
export function runJobInTest<N extends string, I, R, S>(
  job: JobDefinition<N, I, R, S>,
  input: NoInfer<I>,
  options: TestRunOptions = {},
): Promise<TestRun<S, R>> {
  return withPlaces(job, options, (newPlace) => new TestJob(job, input, options, newPlace()).run());
}
