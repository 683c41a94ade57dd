import {
  CancellationScope,
  allHandlersFinished,
  condition,
  isCancellation,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { DRAIN_POLL_EVERY, MOVING_WITHIN } from '../defaults.ts';
import { CODE } from '../protocol.ts';
import type { DeployRunInput, DeployRunResult, LockGrant, Outcome, PlanStep } from '../protocol.ts';
import { checkInput } from './check-input.ts';
import { acts, closing } from './deploy-activities.ts';
import { RunState } from './deploy-run-state.ts';
import { DeployAborted, DeployFailed } from './deploy-ends.ts';
import { holdIfAsked } from './deploy-run-hold.ts';
import { runStep } from './deploy-run-step.ts';
import { awaitSignOfLife } from './deploy-run-turn.ts';
import { closingOrder } from './drain.ts';

/** How often a deploy looks whether work moves again. */
const LOOK_AGAIN = '500 milliseconds';

/**
 * One deploy, under the lock that this workflow's id is: close the gates, drain, run the steps, open the gates.
 * In every ending the gates open.
 */
export async function deployRun(input: DeployRunInput): Promise<DeployRunResult> {
  checkInput(input, { environment: 'string', deploy: 'string' });
  const run = new RunState(input);
  const grant = await grantLock(run);
  let end = await forward(run, grant);
  if (end.outcome !== 'succeeded') end = await CancellationScope.nonCancellable(() => goBack(run, grant, end));
  const reason = await CancellationScope.nonCancellable(() => finish(run, grant, end));
  return { deploy: input.deploy, outcome: end.outcome, ...(reason && { reason }) };
}

interface End {
  readonly outcome: Outcome;
  readonly reason?: string;
}

async function grantLock(run: RunState): Promise<LockGrant> {
  run.enter('taking the lock');
  const { environment, deploy } = run.input;
  const grant = await acts('take the lock').grantLock({ environment, deploy, runId: workflowInfo().runId });
  run.begin(grant);
  return grant;
}

async function forward(run: RunState, grant: LockGrant): Promise<End> {
  try {
    await awaitSignOfLife(run, grant);
    await closeGates(run, grant);
    if (grant.direction === 'back') return { outcome: 'failed', reason: 'went on backwards after an interruption' };
    await runSteps(run, grant);
    return { outcome: 'succeeded' };
  } catch (error) {
    return endOf(error);
  }
}

function endOf(error: unknown): End {
  if (error instanceof DeployAborted) return { outcome: 'aborted', reason: error.message };
  if (error instanceof DeployFailed) return { outcome: 'failed', reason: error.message };
  if (isCancellation(error)) return { outcome: 'aborted', reason: 'cancelled in Temporal' };
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return { outcome: 'failed', reason: cause instanceof Error ? cause.message : String(cause) };
}

async function closeGates(run: RunState, grant: LockGrant): Promise<void> {
  run.enter('closing the gates');
  const deadline = Date.now() + grant.plan.drain.deadlineMs;
  for (const taskQueue of closingOrder(grant.plan.queues)) {
    run.stopIfAborted();
    run.drain.record(await closing(taskQueue).closeGate({ ...run.ref, act: run.nextAct(), taskQueue }));
  }
  await run.reach(CODE.gatesClosed);
  await drain(run, grant, deadline);
  await run.reach(CODE.drained);
}

async function drain(run: RunState, grant: LockGrant, deadline: number, phase = 'draining'): Promise<void> {
  run.enter(phase);
  await refreshDrain(run);
  while (run.drain.waitingFor().length > 0) {
    run.stopIfAborted();
    const left = deadline - Date.now();
    if (left <= 0 && !run.drain.onlyAtomic()) return drainIsLate(run, grant);
    if (left <= 0) run.enter(`draining, late: atomic jobs on ${run.drain.undrainedQueues().join(', ')} may still end`);
    run.drainNews = false;
    await condition(
      () => run.drainNews || run.aborted !== undefined,
      left <= 0 ? DRAIN_POLL_EVERY : Math.min(left, DRAIN_POLL_EVERY),
    );
    await refreshDrain(run);
  }
}

async function refreshDrain(run: RunState): Promise<void> {
  for (const state of await acts('is everything drained?').readDrain(run.ref)) run.drain.record(state);
  run.tell();
}

/** The deadline has passed: what the plan declared for it. */
async function drainIsLate(run: RunState, grant: LockGrant): Promise<void> {
  const { onTimeout, deadlineMs, waitMs } = grant.plan.drain;
  const late = run.drain.waitingFor().join(', ');
  switch (onTimeout) {
    case 'abandon':
      return abandon(run);
    case 'wait':
      if (waitMs <= 0) throw new DeployFailed(`not drained after all: ${late}`);
      return drain(
        run,
        { ...grant, plan: { ...grant.plan, drain: { onTimeout: 'wait', deadlineMs, waitMs: 0 } } },
        Date.now() + waitMs,
        `draining, late: ${late}`,
      );
    case 'abort':
      throw new DeployFailed(`not drained within ${deadlineMs / 1000} s: ${late}`);
  }
}

/** Gives up what is still at work; only atomic slices that may still end by themselves are waited for. */
async function abandon(run: RunState): Promise<void> {
  run.enter('draining, late: giving up what is still at work');
  for (;;) {
    for (const taskQueue of run.drain.undrainedQueues())
      await acts(`give up waiting for ${taskQueue}`).abandonSlices({ ...run.ref, taskQueue });
    await refreshDrain(run);
    if (run.drain.undrainedQueues().length === 0) return;
    run.stopIfAborted();
    await condition(() => run.drainNews || run.aborted !== undefined, DRAIN_POLL_EVERY);
    run.drainNews = false;
  }
}

async function runSteps(run: RunState, grant: LockGrant): Promise<void> {
  for (const [index, step] of grant.plan.steps.entries()) {
    const n = index + 1;
    run.stopIfAborted();
    if (run.isSettled(n)) continue;
    await holdIfAsked(run, grant, n, step);
    // Somebody may have changed the queue's limit by hand meanwhile; only the live deploy may put it back.
    await acts('are the gates still closed?').assertGates(run.ref);
    await runStep(run, grant, n, step);
    await run.reach(CODE.stepsBase + n);
  }
  await run.reach(CODE.stepsDone);
}

/** Undoes the started steps in reverse, as far as they can be undone. */
async function goBack(run: RunState, grant: LockGrant, end: End): Promise<End> {
  const started = grant.plan.steps.map((step, index) => [index + 1, step] as const).filter(([n]) => run.wasStarted(n));
  if (started.length === 0) return end;
  await run.turnBack();
  const notUndone: string[] = [];
  for (const [n, step] of started.reverse()) {
    if (!(await undo(run, grant, n, step))) notUndone.push(step.name);
  }
  if (end.outcome === 'aborted') return end;
  if (notUndone.length === 0) return { ...end, outcome: 'rolledBack' };
  return { ...end, outcome: 'failed', reason: `${end.reason}; not undone: ${notUndone.join(', ')}` };
}

async function undo(run: RunState, grant: LockGrant, n: number, step: PlanStep): Promise<boolean> {
  if (run.stateOf(n) === 'compensated') return true;
  // A pause leaves nothing to undo.
  if (!step.rollback) return step.type === 'wait';
  run.enter(`rolling back step ${n}, ${step.name}`);
  return runStep(run, grant, n, step, 'back');
}

/** Opens the gates, looks whether work moves, writes the outcome; returns the reason with what was seen. */
async function finish(run: RunState, grant: LockGrant, end: End): Promise<string> {
  run.beginEnd();
  for (const taskQueue of closingOrder(grant.plan.queues).reverse()) {
    await acts(`open the gate of ${taskQueue}`).openGate({ ...run.ref, act: run.nextAct(), taskQueue });
  }
  const standing = await workMoves(run);
  const reason = [end.reason, standing].filter(Boolean).join('; ');
  run.end(end.outcome, reason);
  if (end.outcome === 'succeeded') await run.reach(CODE.moving);
  await acts(end.outcome).finishDeploy({ ...run.ref, outcome: end.outcome, ...(reason && { reason }) });
  if (end.outcome === 'succeeded') run.code = CODE.finished;
  run.enter('finished');
  // Whoever told it something hears that it was written down.
  await condition(allHandlersFinished);
  return reason;
}

/** Waits until interrupted work is seen again, and says where it is not: that is told, but the deploy is over. */
async function workMoves(run: RunState): Promise<string | undefined> {
  run.enter('waiting to see work move again');
  const until = Date.now() + MOVING_WITHIN;
  for (;;) {
    const standing = await acts('does work move again?').stillStanding(run.ref);
    if (standing.length === 0) return undefined;
    if (Date.now() >= until)
      return `no work seen moving after ${MOVING_WITHIN / 1000} s on ${standing.join(', ')}: are its workers up?`;
    await sleep(LOOK_AGAIN);
  }
}
