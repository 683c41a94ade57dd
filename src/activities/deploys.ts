import { Context } from '@temporalio/activity';
import { WorkflowFailedError } from '@temporalio/client';
import { DRAIN_DEADLINE } from '../defaults.ts';
import { LockkeeperError, errorMessage, isLockkeeperError } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import { longestAtomicMs } from '../ledger/claims.ts';
import { readSteps, recordStep } from '../ledger/deploy-steps.ts';
import { grantLock, recordCode, recordOutcome } from '../ledger/deploy-record.ts';
import { insertRequest, withdraw } from '../ledger/deploy-requests.ts';
import { unknownQueues } from '../ledger/gates.ts';
import { openDeploys } from '../ledger/deploys.ts';
import type { DeployRow } from '../ledger/deploys.ts';
import { CODE } from '../protocol.ts';
import type { DeployActivities, DeployRequest, ResolvedPlan, RunEnd } from '../protocol.ts';
import type { DeployDependencies } from './deploy-dependencies.ts';
import { refusing } from './refusing.ts';
import { createSettle } from './settle.ts';
import { isNotFound } from '../client/not-found.ts';

type RecordActivities = Pick<
  DeployActivities,
  | 'acceptRequest'
  | 'withdrawDeploy'
  | 'nextDeploys'
  | 'awaitRun'
  | 'settleDeploy'
  | 'grantLock'
  | 'recordCode'
  | 'recordStep'
  | 'finishDeploy'
>;

/** A run's own work around its deadlines: ledger and server away for a while, queues by the hundred. */
const RUN_MARGIN = 30 * 60_000;
/** Ten years, milliseconds: the server refuses a run timeout that is much longer, and with it the whole task that asks for it. */
const LONGEST_RUN = 3_650 * 86_400_000;

/** The record of deploys: accepted, ordered, granted, written down, ended. */
export function createDeployActivities(deps: DeployDependencies): RecordActivities {
  const { ledger, client } = deps;
  const planOf = (request: DeployRequest) => possible(deps.resolvePlan(request.plan, request.parameters ?? {}));
  const runTimeoutOf = async (row: DeployRow): Promise<number> => {
    try {
      const plan = row.resolvedPlan ?? planOf(row.request);
      return Math.min(LONGEST_RUN, runTimeout(plan) + (await longestAtomicMs(ledger, row.environment)));
    } catch (error) {
      // The plan is gone since the request was accepted. Its run says so and ends; the others must not wait for that.
      if (!isLockkeeperError(error)) throw error;
      return RUN_MARGIN;
    }
  };

  return {
    async acceptRequest({ environment, request }) {
      return refusing(async () => {
        checkExternal(request, planOf(request));
        const ticket = await insertRequest(ledger, environment, request);
        await failpoint('request.accepted');
        return ticket;
      });
    },

    withdrawDeploy: ({ environment, withdrawal }) => refusing(() => withdraw(ledger, environment, withdrawal)),

    async nextDeploys({ environment }) {
      const open = await openDeploys(ledger, environment);
      return Promise.all(
        open.map(async (row) => {
          const version = row.request.version ? ` of ${row.request.version}` : '';
          return {
            deploy: row.id,
            approvalOrder: row.approvalOrder!,
            runTimeoutMs: await runTimeoutOf(row),
            summary: `deploy ${row.id}${version}, plan ${row.plan}, by ${row.requestedBy}`,
          };
        }),
      );
    },

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
          grantLock(ledger, environment, deploy, runId, (found) => withUnknown(planOf(found.request), deps, unknown));
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
    recordStep: ({ environment, deploy, token, ...change }) =>
      refusing(async () => {
        await failpoint(`step.recording@${change.state}`);
        await recordStep(ledger, { environment, deploy, token }, change);
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

function checkExternal(request: DeployRequest, plan: ResolvedPlan): void {
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

/** All deadlines of a plan and a margin, milliseconds. Each step may be held, tried again and rolled back. */
function runTimeout(plan: ResolvedPlan): number {
  const steps = plan.steps.reduce((sum, step) => sum + 3 * step.timeoutMs + plan.holdMs, 0);
  return (plan.drain.deadlineMs || DRAIN_DEADLINE) + plan.drain.waitMs + steps + RUN_MARGIN;
}
