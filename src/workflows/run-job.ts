import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { milliseconds } from '../duration.ts';
import type { Duration } from '../duration.ts';
import type { AnyJob, InputOf, NameOf, ResultOf } from '../jobs/define-job.ts';
import { handlersOfJob } from '../protocol.ts';
import { setJobHandlers } from './job-handlers.ts';
import { JobRun, jobKey } from './run-slices.ts';

export interface RunJobOptions {
  /** The job's task queue, if it is not the workflow's own. */
  readonly taskQueue?: string;
  /** How long a silent worker is believed; 30 s unless said otherwise. The job's definition is not known in the sandbox. */
  readonly heartbeatTimeout?: Duration;
  /** Whom the job belongs to: a name or a mail address. */
  readonly owner?: string;
}

// How many jobs this workflow has begun: deterministic, and so part of their identity. The sandbox gives every workflow
// its own globals.
let begun = 0;

/**
 * Runs a job inside a workflow of your own, which is ordinary Temporal code: other activities, timers and signals
 * between jobs as you like.
 *
 * @throws {ActivityFailure} when the job's retry budget is used up
 * @example
 * const { rows } = await runJob<typeof importCities>('importCities', { file });
 */
export async function runJob<D extends AnyJob>(
  name: NameOf<D>,
  input: InputOf<D>,
  options: RunJobOptions = {},
): Promise<ResultOf<D>> {
  const key = jobKey(begun++);
  const run = new JobRun({
    key,
    job: name,
    input,
    taskQueue: options.taskQueue ?? workflowInfo().taskQueue,
    heartbeatTimeoutMs: options.heartbeatTimeout === undefined ? undefined : milliseconds(options.heartbeatTimeout),
    owner: options.owner,
  });
  const endHandlers = setJobHandlers(run, handlersOfJob(key));
  const outcome = await run.run(() => false).finally(endHandlers);
  if (outcome === 'paused' || outcome.kind !== 'done')
    throw ApplicationFailure.nonRetryable(`job ${name} did not end`, 'JOB_FAILED');
  if (outcome.inLedger) {
    throw ApplicationFailure.nonRetryable(
      `the result of job ${name} is too large for a workflow; it is in the ledger under ${key}`,
      'JOB_FAILED',
    );
  }
  return outcome.result as ResultOf<D>;
}
