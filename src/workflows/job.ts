import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { JOB_STATUS_QUERY, RELEASE_UPDATE } from '../protocol.ts';
import type {
  JobPhase,
  JobStatus,
  JobWorkflowInput,
  ReleaseChoice,
  ResultInLedger,
  SliceOutcome,
} from '../protocol.ts';
import { describeJob } from './details.ts';
import { JobRun, jobKey } from './run-slices.ts';

/** Runs one job, slice after slice, until it has ended; a person can release it from quarantine. */
export async function job(input: JobWorkflowInput): Promise<unknown> {
  const run = setup(input);
  const outcome = await run.run(() => workflowInfo().continueAsNewSuggested);
  if (outcome === 'paused') return goOnAsNew(input, run);
  return resultOf(outcome, run.status().key);
}

function setup(input: JobWorkflowInput): JobRun {
  const options = {
    key: input.resumed?.key ?? jobKey(0),
    job: input.job,
    input: input.input,
    taskQueue: workflowInfo().taskQueue,
    heartbeatTimeoutMs: input.heartbeatTimeoutMs,
  };
  const run = new JobRun(options, input.resumed);
  setHandler(defineQuery<JobStatus>(JOB_STATUS_QUERY), () => run.status());
  setHandler(
    defineUpdate<JobStatus, [ReleaseChoice]>(RELEASE_UPDATE),
    (choice) => (run.release(choice), run.status()),
    {
      validator: (choice: ReleaseChoice) => {
        const refused = run.refuseRelease(choice);
        if (refused) throw ApplicationFailure.nonRetryable(refused, 'USAGE');
      },
    },
  );
  let shown: JobPhase = 'running';
  run.onChange = () => {
    const { phase } = run.status();
    setCurrentDetails(describeJob(run.status()));
    // Every change is an event of history; interruptions are told by the details alone.
    if (phase === shown || phase === 'interrupted' || phase === 'waiting') return;
    shown = phase;
    upsertSearchAttributes({ LockkeeperState: [phase] });
  };
  return run;
}

async function goOnAsNew(input: JobWorkflowInput, run: JobRun): Promise<never> {
  await condition(allHandlersFinished);
  const { key, seq, failures, interruptions } = run.status();
  return continueAsNew<typeof job>({ ...input, resumed: { key, seq, failures, interruptions } });
}

function resultOf(outcome: SliceOutcome, key: string): unknown {
  if (outcome.kind !== 'done') throw ApplicationFailure.nonRetryable(`the job ended as ${outcome.kind}`, 'JOB_FAILED');
  return outcome.inLedger ? ({ lockkeeperResultInLedger: key } satisfies ResultInLedger) : outcome.result;
}
