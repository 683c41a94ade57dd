import { condition } from '@temporalio/workflow';
import type { LockGrant, PlanStep } from '../protocol.ts';
import { DeployFailed } from './deploy-ends.ts';
import type { RunState } from './deploy-run-state.ts';

/** Holds the deploy before a step, when an operator has asked for it, until somebody lets it go on or the time is over. */
export async function holdIfAsked(run: RunState, grant: LockGrant, n: number, step: PlanStep): Promise<void> {
  const asked = run.toBeHeld;
  if (!asked) return;
  run.toBeHeld = undefined;
  const until = asked.until === undefined ? Date.now() + grant.plan.holdMs : Date.parse(asked.until);
  run.hold({ reason: `before step ${n}, ${step.name}, by ${asked.by}: ${asked.reason}`, until });
  run.enter('held for a person');
  await condition(() => run.verdict !== undefined || run.aborted !== undefined, Math.max(1, until - Date.now()));
  const { verdict } = run;
  run.hold(undefined);
  run.stopIfAborted();
  if (verdict) return;
  throw new DeployFailed(`held before step ${n}, ${step.name}, by ${asked.by}, and nobody let it go on in time`);
}
