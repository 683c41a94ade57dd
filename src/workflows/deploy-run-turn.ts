import { condition, patched } from '@temporalio/workflow';
import type { LockGrant } from '../protocol.ts';
import { DeployFailed } from './deploy-ends.ts';
import type { RunState } from './deploy-run-state.ts';

/**
 * Waits for a sign of life of the wrapper that is to do the external step: gates that close for one that is gone would be closed
 * for nothing. Nobody else can know whether it lives; it may have waited its turn for hours.
 */
export async function awaitSignOfLife(run: RunState, grant: LockGrant): Promise<void> {
  const n = grant.plan.steps.findIndex(({ type }) => type === 'external') + 1;
  const step = grant.plan.steps[n - 1];
  if (step?.type !== 'external' || grant.external.mode !== 'lease' || grant.direction === 'back') return;
  // Begun by an earlier run: whoever does it says by its lease that it is alive.
  if (run.stateOf(n) !== 'pending' || !patched('sign-of-life')) return;
  run.callWrapper(Date.now() + step.claimWithinMs);
  const claimed = await condition(() => run.claimed || run.aborted !== undefined, step.claimWithinMs);
  run.callWrapper(undefined);
  run.stopIfAborted();
  if (claimed) return;
  throw new DeployFailed(
    `no sign of life within ${step.claimWithinMs / 1000} s from the \`deploy run\` that is to do step ${n}, ${step.name}: no gate was closed`,
  );
}
