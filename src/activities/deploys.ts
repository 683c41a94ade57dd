import { Context } from '@temporalio/activity';
import { WorkflowFailedError } from '@temporalio/client';
import { errorMessage } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import { readSteps, recordStep } from '../ledger/deploy-steps.ts';
import { grantLock, recordCode, recordOutcome } from '../ledger/deploy-record.ts';
import { addEvent } from '../ledger/events.ts';
import { unknownQueues } from '../ledger/gates.ts';
import { CODE } from '../protocol.ts';
import type { DeployActivities, ResolvedPlan, RunEnd } from '../protocol.ts';
import type { DeployDependencies } from './deploy-dependencies.ts';
import { planOf } from './plans.ts';
import { refusing } from './refusing.ts';
import { createSettle } from './settle.ts';
import { isNotFound } from '../client/not-found.ts';

type RecordActivities = Pick<
  DeployActivities,
  'awaitRun' | 'settleDeploy' | 'grantLock' | 'recordCode' | 'recordStep' | 'recordOperation' | 'finishDeploy'
>;

/** The record of a deploy: granted, written down, ended. */
export function createDeployActivities(deps: DeployDependencies): RecordActivities {
  const { ledger, client } = deps;

  return {
    async awaitRun({ workflowId, runId }): Promise<RunEnd> {
      const handle = client.workflow.getHandle(workflowId, runId, { followRuns: false });
      let reason: string | undefined;
      const stop = AbortSignal.any([deps.stopping, Context.current().cancellationSignal]);
      try {
        await client.withAbortSignal(stop, () => handle.result());
      } catch (error) {
        reason = error instanceof WorkflowFailedError ? errorMessage(error.cause) : undefined;
        // This worker stops: another one waits on. Not a failure.
        if (stop.aborted) return { closed: false };
        if (isNotFound(error)) return { closed: true, status: 'NOT_FOUND' };
        if (!(error instanceof WorkflowFailedError)) throw error;
      }
      const { status, memo } = await handle.describe();
      const deploy = memo?.['deploy'] as string | undefined;
      const result: unknown = status.name === 'COMPLETED' ? await handle.result() : undefined;
      return {
        closed: true,
        status: status.name,
        ...(deploy !== undefined && { deploy }),
        ...(result !== undefined && { result }),
        ...(reason !== undefined && { reason }),
      };
    },

    settleDeploy: createSettle(deps),

    async grantLock({ environment, deploy, runId }) {
      return refusing(async () => {
        const unknown = await unknownQueues(ledger, environment, deps.taskQueues);
        const granted = () =>
          grantLock(ledger, environment, deploy, runId, (found) =>
            withUnknown(planOf(deps, found.request), deps, unknown),
          );
        const { row, plan } = await writing(CODE.lockGranted, granted);
        return {
          token: row.token!,
          plan,
          parameters: row.request.parameters ?? {},
          external: row.request.external ?? { mode: 'lease' },
          code: row.code,
          direction: row.direction,
          steps: (await readSteps(ledger, environment, deploy)).map(({ n, name, type, state, note }) => ({
            n,
            name,
            type,
            state,
            ...(note !== undefined && { note }),
          })),
        };
      });
    },

    recordCode: ({ environment, deploy, token, ...code }) =>
      refusing(() => writing(code.code, () => recordCode(ledger, { environment, deploy, token }, code))),
    recordOperation: ({ environment, operation: { deploy, action, by, reason, until } }) =>
      addEvent(ledger, {
        environment,
        deploy,
        actor: by,
        event: action,
        detail: { reason, ...(until !== undefined && { until }) },
      }),
    recordStep: ({ environment, deploy, token, ...change }) =>
      refusing(async () => {
        await failpoint(`step.recording@${change.state}`);
        await recordStep(ledger, { environment, deploy, token }, { ...change, mayHold: true });
        await failpoint(`step.recorded@${change.state}`);
      }),
    finishDeploy: ({ outcome, reason, ...ref }) =>
      refusing(() => writing(CODE.finished, () => recordOutcome(ledger, ref, outcome, reason))),
  };
}

/**
 * A plan of all queues means also those that workers have brought since this deploy worker read its config: their jobs must not
 * run beside its steps.
 */
function withUnknown(plan: ResolvedPlan, { taskQueues, log }: DeployDependencies, unknown: string[]): ResolvedPlan {
  if (unknown.length === 0 || plan.queues.length < taskQueues.length) return plan;
  log.warn({ taskQueues: unknown }, 'queues that the config of this deploy worker does not have are paused as well');
  return { ...plan, queues: [...plan.queues, ...unknown.map((taskQueue) => ({ taskQueue, after: [] }))] };
}

async function writing<T>(code: number, write: () => Promise<T>): Promise<T> {
  await failpoint(`code.writing@${code}`);
  const written = await write();
  await failpoint(`code.written@${code}`);
  return written;
}
