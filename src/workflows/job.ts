import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { JOB_STATUS_QUERY, NODE_PHASE_SIGNAL, RELEASE_UPDATE } from '../protocol.ts';
import type {
  JobPhase,
  JobStatus,
  JobWorkflowInput,
  NodePhaseSignal,
  ResultInLedger,
  SliceOutcome,
} from '../protocol.ts';
import { checkInput } from './check-input.ts';
import { describeJob } from './details.ts';
import { setJobHandlers } from './job-handlers.ts';
import { JobRun, jobKey } from './run-slices.ts';

/** Replaying 2,500 events took a fresh worker 1.5 s, 0.6 ms each: with these it takes less than 0.2 s. */
const EVENTS_AT_MOST = 300;

/** Runs one job, slice after slice, until it has ended; a person can release it from quarantine. */
export async function job(input: JobWorkflowInput): Promise<unknown> {
  checkInput(input, { job: 'string' });
  const run = setup(input);
  const outcome = await run.run(isLong);
  if (outcome === 'paused') return goOnAsNew(input, run);
  return resultOf(outcome, run.status().key, input.node !== undefined);
}

/** Reason enough to begin a new history: a worker that takes over reads and replays all of it first. */
function isLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength >= EVENTS_AT_MOST;
}

function setup(input: JobWorkflowInput): JobRun {
  const options = {
    key: input.resumed?.key ?? jobKey(0),
    job: input.job,
    input: input.input,
    taskQueue: workflowInfo().taskQueue,
    heartbeatTimeoutMs: input.heartbeatTimeoutMs,
    results: input.results,
    owner: input.owner,
  };
  const run = new JobRun(options, input.resumed);
  setJobHandlers(run, { status: JOB_STATUS_QUERY, release: RELEASE_UPDATE });
  let shown: JobPhase = 'running';
  run.onChange = () => {
    const { phase } = run.status();
    setCurrentDetails(describeJob(run.status()));
    // Every change is an event of history; interruptions are told by the details alone.
    if (phase === shown || phase === 'interrupted' || phase === 'waiting') return;
    if (input.node !== undefined && (phase === 'quarantined' || shown === 'quarantined'))
      tellGraph(input.node, run.status());
    shown = phase;
    upsertSearchAttributes({ LockkeeperState: [phase] });
  };
  return run;
}

async function goOnAsNew(input: JobWorkflowInput, run: JobRun): Promise<never> {
  await condition(allHandlersFinished);
  return continueAsNew<typeof job>({ ...input, resumed: run.carriedOn() });
}

/** A graph hears of the ends of its nodes by itself, and of nothing else. */
function tellGraph(node: string, { phase, reason }: JobStatus): void {
  const { parent } = workflowInfo();
  if (!parent) return;
  const signal: NodePhaseSignal = { node, phase, ...(reason !== undefined && { reason }) };
  getExternalWorkflowHandle(parent.workflowId)
    .signal(NODE_PHASE_SIGNAL, signal)
    // It has ended: there is nobody whom it could concern.
    .catch(() => undefined);
}

/** A node's result stays in the ledger, from where whoever needs it takes it: a graph of many carries none of them. */
function resultOf(outcome: SliceOutcome, key: string, ofNode: boolean): unknown {
  if (outcome.kind !== 'done') throw ApplicationFailure.nonRetryable(`the job ended as ${outcome.kind}`, 'JOB_FAILED');
  return outcome.inLedger || ofNode ? ({ lockkeeperResultInLedger: key } satisfies ResultInLedger) : outcome.result;
}
