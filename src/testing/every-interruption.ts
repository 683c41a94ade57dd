import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import { LockkeeperError } from '../errors.ts';
import type { JobDefinition } from '../jobs/define-job.ts';
import { differences, nothingToInterrupt, notRepeatable } from './findings.ts';
import type { Finding } from './findings.ts';
import { withPlaces } from './places.ts';
import type { TestRun, TestSettings } from './run-job-in-test.ts';
import { TestJob } from './test-job.ts';
import { waysToDisturb } from './ways.ts';
import type { Way } from './ways.ts';

export interface EveryInterruptionOptions<S, R> extends Omit<TestSettings, 'checkpointEvery'> {
  /**
   * What the job has done, read where it did it: rows, files, calls of a fake. Compared by value. Of a job that does its work at
   * least once: what is to be the same however often a step is done. The job's result unless said otherwise.
   */
  readonly outcome?: (run: TestRun<S, R>) => unknown;
  /** Called before each run: puts back whatever the job changes. */
  readonly reset?: () => unknown;
  /** False: planned interruptions only, for a job of which it is accepted that a killed worker's last steps are done twice. */
  readonly kills?: boolean;
  /** The checkpoints at which the job is disturbed; each of them unless said otherwise. */
  readonly at?: readonly number[];
}

/**
 * Runs a job undisturbed, then once for each of its checkpoints interrupted there (a deploy), and once killed there, and compares
 * the outcomes. Of checkpoints that are plain yields it is killed twice: with the steps before saved, and with nothing saved, the
 * least and the most that may be lost. A further kill comes at the job's end, before its result is saved.
 *
 * The runs grow with the square of the work: give an input of a few checkpoints, begin near the end with `resumeFrom`, or choose
 * checkpoints with `at`.
 *
 * @returns how many checkpoints the undisturbed job has, and how many runs there were
 * @throws {AssertionError} an outcome is another one than undisturbed, or the job failed: tells where, what was found, and what to
 *   look for; or the job has no checkpoint at all, not even when it is told to stop
 * @throws what `runJobInTest` throws, of the undisturbed run
 * @example
 * test('no deploy and no crash changes what is imported', async () => {
 *   await everyInterruption(importCities, { part: 0 }, {
 *     database: pool,
 *     reset: () => pool.query('truncate city'),
 *     outcome: async () => (await pool.query('select n, name from city order by n')).rows,
 *   });
 * });
 */
export function everyInterruption<N extends string, I, R, S>(
  job: JobDefinition<N, I, R, S>,
  input: NoInfer<I>,
  options: EveryInterruptionOptions<S, R> = {},
): Promise<{ readonly checkpoints: number; readonly runs: number }> {
  const { outcome = (run) => run.result, reset, kills = true, at } = options;
  return withPlaces(job, options, async (newPlace) => {
    const runOnce = async (way: Way['options']) => {
      await reset?.();
      const testJob = new TestJob(job, input, { ...options, ...way }, newPlace());
      let run: TestRun<S, R>;
      try {
        run = await testJob.run();
      } catch (error) {
        return { error };
      }
      return { run, plain: testJob.plain, outcome: await outcome(run) };
    };
    const undisturbed = await runOnce({});
    if ('error' in undisturbed) throw undisturbed.error;
    const { checkpoints } = undisturbed.run;
    const ways = waysToDisturb({ checkpoints, plain: undisturbed.plain, kills, at });
    if (ways.length === 0)
      throw new LockkeeperError('USAGE', 'at: it names no checkpoint', { next: 'Leave it out for all of them' });
    const findings: Finding[] = [];
    for (const way of ways) {
      const found = await runOnce(way.options);
      if (checkpoints === 0 && 'error' in found && didNotHappen(found.error)) throw nothingToInterrupt(job.name);
      if ('error' in found) findings.push({ way, error: found.error });
      else if (!isDeepStrictEqual(found.outcome, undisturbed.outcome))
        findings.push({ way, outcome: found.outcome, wentOnFrom: found.run.slices[1]?.from });
    }
    if (findings.length > 0) {
      const again = await runOnce({});
      const second = 'error' in again ? again.error : again.outcome;
      if (!isDeepStrictEqual(second, undisturbed.outcome)) throw notRepeatable(job.name, undisturbed.outcome, second);
      throw differences(job.name, undisturbed.outcome, findings, ways.length);
    }
    return { checkpoints, runs: ways.length + 1 };
  });
}

const didNotHappen = (error: unknown) => error instanceof AssertionError && error.operator === 'interruptAt';
