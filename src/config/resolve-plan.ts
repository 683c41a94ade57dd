import { LockkeeperError } from '../errors.ts';
import { GATES_PLAN } from '../protocol.ts';
import type { PlanQueue, ResolvedPlan } from '../protocol.ts';
import { checkParameters } from './check-parameters.ts';
import type { ConfigWithQueues } from './config.ts';
import { unknownWord } from '../did-you-mean.ts';
import { gatesPlan } from './gates-plan.ts';

/**
 * The plan of that name, complete, as a deploy keeps it in the ledger. The parameters are only checked: commands get
 * them when they run.
 * @throws {LockkeeperError} DEPLOY_INVALID for an unknown plan, and for parameters that are unknown, missing or do not match
 * @example resolvePlan(withQueues(config, []), 'release', { version: 'v1.2' })
 */
export function resolvePlan(
  config: ConfigWithQueues,
  name: string,
  parameters: Readonly<Record<string, string>> = {},
): ResolvedPlan {
  const plan = name === GATES_PLAN ? gatesPlan(config, parameters) : config.plans.get(name);
  if (!plan)
    throw new LockkeeperError('DEPLOY_INVALID', unknownWord('plan', `\`${name}\``, name, [...config.plans.keys()]));
  checkParameters(name, plan.parameters, parameters);
  return {
    name,
    queues: plan.queues ? onlyQueues(config.queues, plan.queues) : config.queues,
    participants: config.participants,
    drain: plan.drain,
    steps: plan.steps,
    onFailure: plan.onFailure,
    holdMs: plan.holdMs,
    ...(plan.approvals && { approvals: plan.approvals }),
  };
}

/** The chosen queues in their order: one that feeds another through queues left out still comes before it. */
function onlyQueues(all: readonly PlanQueue[], chosen: readonly string[]): PlanQueue[] {
  const after = new Map(all.map((queue) => [queue.taskQueue, queue.after]));
  const feeders = (taskQueue: string): string[] =>
    (after.get(taskQueue) ?? []).flatMap((feeder) => (chosen.includes(feeder) ? [feeder] : feeders(feeder)));
  return all
    .filter(({ taskQueue }) => chosen.includes(taskQueue))
    .map(({ taskQueue }) => ({ taskQueue, after: [...new Set(feeders(taskQueue))] }));
}
