import {
  CancellationScope,
  ParentClosePolicy,
  WorkflowIdReusePolicy,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  startChild,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { FINISH_SIGNAL, SKIP_SIGNAL, deployStepId } from '../protocol.ts';
import type { DeployStepInput, Direction, LockGrant, PlanStep, StepOutcome } from '../protocol.ts';
import { acts, waiting } from './deploy-activities.ts';
import { DeployFailed } from './deploy-ends.ts';
import type { RunState } from './deploy-run-state.ts';
import type { deployStep } from './deploy-step.ts';

/** Runs one step to its end and records it; holds for a person where the plan or doubt demands it. True: done. */
export async function runStep(
  run: RunState,
  grant: LockGrant,
  n: number,
  step: PlanStep,
  direction: Direction = 'forward',
): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    // After an interruption a started step is looked up first: running is adopted, ended gives its result.
    const mayExist = attempt === 1;
    const { outcome, runId } = await oneAttempt(run, grant, { n, step, direction, attempt, mayExist });
    if (direction === 'back') {
      await run.recordStep(n, outcome.kind === 'done' ? 'compensated' : 'failed', note(outcome, runId));
      return outcome.kind === 'done';
    }
    if (outcome.kind === 'done') {
      await run.recordStep(n, 'done', note(outcome, runId));
      return true;
    }
    await run.recordStep(n, outcome.kind === 'inDoubt' ? 'inDoubt' : 'failed', note(outcome, runId));
    run.stopIfAborted();
    const verdict = await whatNow(run, grant, n, step, outcome);
    if (verdict === 'skip') {
      await run.recordStep(n, 'skipped');
      return true;
    }
  }
}

const note = (outcome: StepOutcome, runId: string | undefined) => {
  const text = outcome.kind === 'done' ? outcome.note : outcome.reason;
  return { ...(runId !== undefined && { runId }), ...(text !== undefined && { note: text }) };
};

interface Attempt {
  readonly n: number;
  readonly step: PlanStep;
  readonly direction: Direction;
  readonly attempt: number;
  readonly mayExist: boolean;
}

async function oneAttempt(
  run: RunState,
  grant: LockGrant,
  a: Attempt,
): Promise<{ outcome: StepOutcome; runId: string | undefined }> {
  const { n, step, direction } = a;
  await run.recordStep(n, direction === 'back' ? 'compensating' : 'started');
  run.enter(`${direction === 'back' ? 'rolling back ' : ''}step ${n}, ${step.name}`);
  const workflowId = deployStepId(
    run.input.environment,
    run.input.deploy,
    n,
    direction === 'back' ? `${step.name}-rollback` : step.name,
  );
  const input: DeployStepInput = {
    ...run.ref,
    n,
    step,
    attempt: a.attempt,
    external: grant.external,
    parameters: grant.parameters,
    direction,
  };
  // Nothing has begun: a deploy that was aborted meanwhile begins nothing more.
  if (direction === 'forward') run.stopIfAborted();
  const begun = await CancellationScope.nonCancellable(() => beginStep(workflowId, input, a.mayExist));
  // Only now that the step is there can it be told anything.
  const followed = follow(run, workflowId, { n, type: step.type, direction });
  try {
    const outcome = await CancellationScope.nonCancellable(() => begun.outcome);
    // Whatever was in doubt about a command, none of it may go on beside what comes next.
    if (outcome.kind === 'inDoubt')
      await CancellationScope.nonCancellable(() => acts(`is step ${n} gone?`, ENDING).endStep({ ...run.ref, n }));
    return { outcome, runId: begun.runId };
  } finally {
    followed.stop();
  }
}

/** Ending a command takes its SIGTERM, its SIGKILL and the proof. */
const ENDING = { startToCloseTimeout: '1 minute' } as const;

interface BegunStep {
  readonly outcome: Promise<StepOutcome>;
  readonly runId: string | undefined;
}

/** Starts the step, or finds the one that is there. */
async function beginStep(workflowId: string, input: DeployStepInput, mayExist: boolean): Promise<BegunStep> {
  try {
    const child = await startChild<typeof deployStep>('deployStep', {
      workflowId,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: mayExist ? WorkflowIdReusePolicy.REJECT_DUPLICATE : WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      staticSummary: `${input.deploy}: step ${input.n} ${input.step.name}${input.direction === 'back' ? ' (rollback)' : ''}`,
      memo: { deploy: input.deploy },
      searchAttributes: { LockkeeperKind: ['deploy-step'], LockkeeperDeploy: [input.deploy] },
    });
    return { outcome: child.result().catch(lostChild), runId: child.firstExecutionRunId };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { outcome: adopt(workflowId), runId: undefined };
  }
}

/** A step workflow that ended without an outcome (terminated, timed out) may have done its work. */
const lostChild = (error: unknown): StepOutcome => ({
  kind: 'inDoubt',
  reason: `the step's workflow ended without a result: ${error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)}`,
});

async function adopt(workflowId: string): Promise<StepOutcome> {
  for (;;) {
    const end = await waiting(`wait for ${workflowId}`).awaitRun({ workflowId });
    if (!end.closed) continue;
    if (end.status === 'COMPLETED') return end.result as StepOutcome;
    return { kind: 'inDoubt', reason: `the step's workflow ended as ${end.status}` };
  }
}

/** While a step runs: passes on what it is told, and ends the step when the deploy is aborted. */
function follow(
  run: RunState,
  workflowId: string,
  { n, type, direction }: { n: number; type: PlanStep['type']; direction: Direction },
): { stop(): void } {
  let over = false;
  const step = getExternalWorkflowHandle(workflowId);
  const passOn = async () => {
    if (direction === 'back') return;
    let finished: RunState['finished'];
    let skipped: RunState['skipped'];
    let cancelled = false;
    const skip = () => (run.skipped?.n === n ? run.skipped : undefined);
    for (;;) {
      await condition(
        () => over || run.finished !== finished || skip() !== skipped || (run.aborted !== undefined && !cancelled),
      );
      if (over) return;
      if (skip() !== skipped) {
        skipped = skip();
        await step.signal(SKIP_SIGNAL, skipped!.operation).catch(gone);
      }
      if (run.finished !== finished) {
        const told = run.finished!;
        // Heard once by the step it is meant for: a later attempt is finished by a word of its own.
        if (type === 'external') run.finished = undefined;
        finished = run.finished;
        await step.signal(FINISH_SIGNAL, told).catch(gone);
      }
      if (run.aborted && !cancelled) {
        cancelled = true;
        await step.cancel().catch(gone);
      }
    }
  };
  void passOn().catch((error: unknown) => {
    // The run itself was cancelled: what stops the deploy must stop its step too.
    if (isCancellation(error) && !over) return CancellationScope.nonCancellable(() => step.cancel().catch(gone));
    if (!isCancellation(error)) throw error;
  });
  return { stop: () => (over = true) };
}

/** The step ended meanwhile: its outcome says everything. */
const gone = () => undefined;

/** A step failed or is in doubt: wait for a person where that was asked for, else the deploy is over. */
async function whatNow(
  run: RunState,
  grant: LockGrant,
  n: number,
  step: PlanStep,
  outcome: Exclude<StepOutcome, { kind: 'done' }>,
): Promise<'retry' | 'skip'> {
  const why = `step ${n}, ${step.name}, ${outcome.kind === 'inDoubt' ? 'is in doubt' : 'failed'}: ${outcome.reason}`;
  if (outcome.kind === 'failed' && grant.plan.onFailure === 'rollback') throw new DeployFailed(why);
  const until = Date.now() + grant.plan.holdMs;
  run.hold({ reason: why, until, step: n });
  run.enter('held for a person');
  await condition(() => run.verdict !== undefined || run.aborted !== undefined, grant.plan.holdMs);
  const verdict = run.verdict;
  run.hold(undefined);
  run.stopIfAborted();
  if (!verdict) throw new DeployFailed(`${why}; nobody decided within ${grant.plan.holdMs / 1000} s`);
  return verdict.action === 'skipStep' ? 'skip' : 'retry';
}
