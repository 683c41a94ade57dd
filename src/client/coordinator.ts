import { WithStartWorkflowOperation } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { COORDINATOR_WORKFLOW, coordinatorId, coordinatorTaskQueue } from '../protocol.ts';
import type { CoordinatorInput } from '../protocol.ts';

/** How the coordinator of an environment is started, by whoever needs it first. */
function startOptions(environment: string) {
  const input: CoordinatorInput = { environment };
  return {
    workflowId: coordinatorId(environment),
    taskQueue: coordinatorTaskQueue(environment),
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: `deploys of ${environment}, one at a time`,
    searchAttributes: { LockkeeperKind: ['deploy-coordinator'] },
  };
}

/** Starts the coordinator of an environment unless it runs. */
export async function ensureCoordinator(client: Client, environment: string): Promise<void> {
  await client.workflow.start(COORDINATOR_WORKFLOW, startOptions(environment));
}

/** For an Update-with-start: the coordinator may have been terminated, or never have run. */
export const coordinatorWithStart = (environment: string) =>
  new WithStartWorkflowOperation(COORDINATOR_WORKFLOW, startOptions(environment));
