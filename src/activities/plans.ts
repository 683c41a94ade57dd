import { DRAIN_DEADLINE } from '../defaults.ts';
import { LockkeeperError } from '../errors.ts';
import type { DeployRequest, ResolvedPlan } from '../protocol.ts';
import type { DeployDependencies } from './deploy-dependencies.ts';

/** A run's own work around its deadlines: ledger and server away for a while, queues by the hundred. */
export const RUN_MARGIN = 30 * 60_000;
/** Ten years, milliseconds: the server refuses a run timeout that is much longer, and with it the whole task that asks for it. */
export const LONGEST_RUN = 3_650 * 86_400_000;

/** The plan of a request as this deploy worker's config has it. @throws {LockkeeperError} DEPLOY_INVALID */
export const planOf = (deps: Pick<DeployDependencies, 'resolvePlan'>, request: DeployRequest): ResolvedPlan =>
  possible(deps.resolvePlan(request.plan, request.parameters ?? {}));

/** Whoever asks says how the external step will be done, if there is one. @throws {LockkeeperError} DEPLOY_INVALID */
export function checkExternal(request: DeployRequest, plan: ResolvedPlan): void {
  const step = plan.steps.find(({ type }) => type === 'external');
  if (step && !request.external) {
    throw new LockkeeperError(
      'DEPLOY_INVALID',
      `plan ${plan.name} has the external step ${step.name}, and deploy ${request.id} does not say how it will be done`,
      {
        next: 'Use `lockkeeper deploy run … -- command`, or `deploy start` and `finish`; by bare signal add `external`',
      },
    );
  }
  if (step || !request.external) return;
  throw new LockkeeperError(
    'DEPLOY_INVALID',
    `plan ${plan.name} has no external step, so nobody outside can take part in deploy ${request.id}`,
    {
      next: 'Add `- external: true` to its steps, or ask for it without a command',
    },
  );
}

/** @throws {LockkeeperError} DEPLOY_INVALID */
function possible(plan: ResolvedPlan): ResolvedPlan {
  if (runTimeout(plan) <= LONGEST_RUN) return plan;
  throw new LockkeeperError('DEPLOY_INVALID', `the deadlines of plan ${plan.name} add up to more than ten years`, {
    next: 'Give its steps, its drain and its hold shorter ones',
  });
}

/** All deadlines of a plan and a margin, milliseconds. Each step may be held before and after, tried again and rolled back. */
export function runTimeout(plan: ResolvedPlan): number {
  const steps = plan.steps.reduce((sum, step) => sum + 3 * step.timeoutMs + 2 * plan.holdMs, 0);
  return (plan.drain.deadlineMs || DRAIN_DEADLINE) + plan.drain.waitMs + steps + RUN_MARGIN;
}
