import { WorkflowNotFoundError } from '@temporalio/client';
import { defineUpdate } from '@temporalio/workflow';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { isNotFound } from './not-found.ts';
import { LockkeeperError, errorMessage } from '../errors.ts';
import {
  COORDINATOR_STATUS_QUERY,
  DEPLOY_FINISH_SIGNAL,
  DEPLOY_STATUS_QUERY,
  OPERATE_UPDATE,
  REQUEST_DEPLOY_UPDATE,
  STEP_STATUS_QUERY,
  TAKE_LEASE_UPDATE,
  WITHDRAW_DEPLOY_UPDATE,
  coordinatorId,
  deployRunId,
  deployStepId,
} from '../protocol.ts';
import type {
  CoordinatorStatus,
  DeployFinish,
  DeployRequest,
  DeployRunResult,
  DeployStatus,
  DeployTicket,
  Lease,
  Operation,
  StepOutcome,
  StepStatus,
  Withdrawal,
} from '../protocol.ts';
import { coordinatorWithStart } from './coordinator.ts';
import { refusalOf } from './update-errors.ts';

const requestDeploy = defineUpdate<DeployTicket, [DeployRequest]>(REQUEST_DEPLOY_UPDATE);

/** One question, milliseconds: a query needs a deploy worker, an update one and its ledger. */
const ASK_WITHIN = 10_000;

/** Where a deploy is, seen through Temporal alone. */
export type Whereabouts =
  | { readonly at: 'waiting'; readonly ahead: readonly string[] }
  | { readonly at: 'running'; readonly runId: string; readonly status: DeployStatus }
  | { readonly at: 'ended'; readonly result: DeployRunResult }
  /** The run is gone without an outcome; the coordinator cleans up after it. */
  | { readonly at: 'lost'; readonly how: string }
  | { readonly at: 'unknown' };

/**
 * Asks for deploys and takes part in them, for CI scripts and services. Needs Temporal only, no database.
 * @example
 * const deploys = new DeployClient(client, 'production');
 * await deploys.request({ id: 'v42', plan: 'default', requestedBy: 'ci' });
 */
export class DeployClient {
  readonly environment: string;
  readonly #client: Client;

  constructor(client: Client, environment: string) {
    this.#client = client;
    this.environment = environment;
  }

  /**
   * Asks for a deploy. The same request again gives its first ticket, with the outcome once it has one.
   * @throws {LockkeeperError} DEPLOY_CONFLICT, DEPLOY_INVALID, LEDGER_UNREACHABLE, NO_DEPLOY_WORKER
   */
  async request(request: DeployRequest): Promise<DeployTicket> {
    try {
      return await this.#client.withDeadline(Date.now() + ASK_WITHIN, () =>
        this.#client.workflow.executeUpdateWithStart(requestDeploy, {
          args: [request],
          startWorkflowOperation: coordinatorWithStart(this.environment),
        }),
      );
    } catch (error) {
      throw this.#explain(refusalOf(error));
    }
  }

  /** What the coordinator says: which deploy runs, which wait. */
  async coordinator(): Promise<CoordinatorStatus> {
    return this.#ask(() =>
      this.#client.workflow
        .getHandle(coordinatorId(this.environment))
        .query<CoordinatorStatus>(COORDINATOR_STATUS_QUERY),
    );
  }

  /** Where a deploy is. `runId`: the run it was last seen in, so that another deploy's run is never mistaken for it. */
  async find(deploy: string, runId?: string): Promise<Whereabouts> {
    return this.#ask(async () => {
      const seen = await this.#lookAtRun(deploy, runId);
      if (seen) return seen;
      const { queued, running } = await this.coordinator();
      // It has begun between the two questions.
      if (running === deploy) return (await this.#lookAtRun(deploy, runId)) ?? { at: 'unknown' };
      const place = queued.findIndex((q) => q.deploy === deploy);
      if (place < 0) return { at: 'unknown' };
      return {
        at: 'waiting',
        ahead: [...(running === undefined ? [] : [running]), ...queued.slice(0, place).map((q) => q.deploy)],
      };
    });
  }

  async #lookAtRun(deploy: string, runId: string | undefined): Promise<Whereabouts | undefined> {
    try {
      const { memo, runId: found, status } = await this.#run(runId).describe();
      return memo?.['deploy'] === deploy ? await this.#inRun(found, status.name) : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #inRun(runId: string, status: string): Promise<Whereabouts> {
    const run = this.#run(runId);
    if (status === 'RUNNING')
      return { at: 'running', runId, status: await run.query<DeployStatus>(DEPLOY_STATUS_QUERY) };
    if (status === 'COMPLETED') return { at: 'ended', result: (await run.result()) as DeployRunResult };
    return { at: 'lost', how: status };
  }

  /** The step that waits for somebody to take its lease, if there is one. */
  async stepWaitingForLease(status: DeployStatus): Promise<{ workflowId: string; name: string } | undefined> {
    const step = status.steps.find((s) => s.type === 'external' && s.state === 'started');
    if (!step) return undefined;
    const workflowId = deployStepId(this.environment, status.deploy, step.n, step.name);
    try {
      const { phase } = await this.#ask(() =>
        this.#client.workflow.getHandle(workflowId).query<StepStatus>(STEP_STATUS_QUERY),
      );
      return phase === 'waitingForLease' ? { workflowId, name: step.name } : undefined;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError || isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * Takes the lease of an external step. The same nonce gets the same lease again.
   * @throws {LockkeeperError} LEASE_TAKEN, LEASE_LOST
   */
  async takeLease(workflowId: string, deploy: string, nonce: string): Promise<Lease> {
    try {
      return await this.#ask(() =>
        this.#client.workflow
          .getHandle(workflowId)
          .executeUpdate<Lease, [{ deploy: string; nonce: string }]>(TAKE_LEASE_UPDATE, { args: [{ deploy, nonce }] }),
      );
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** Proves that the holder of a lease is alive. Throws ActivityNotFoundError or ActivityCancelledError when it is lost. */
  heartbeat(lease: Lease): Promise<void> {
    // Without a deadline a call on a cut connection hangs for longer than the lease.
    return this.#client.withDeadline(Date.now() + lease.leaseMs / 4, () =>
      this.#client.activity.heartbeat(Buffer.from(lease.taskToken, 'base64')),
    );
  }

  /** Ends an external step. Throws ActivityNotFoundError when the lease is lost. */
  complete(lease: Lease, outcome: StepOutcome): Promise<void> {
    return this.#client.activity.complete(Buffer.from(lease.taskToken, 'base64'), outcome);
  }

  /** Ends an external step that was cancelled, once its work has really stopped. */
  reportCancelled(lease: Lease): Promise<void> {
    return this.#client.activity.reportCancellation(Buffer.from(lease.taskToken, 'base64'));
  }

  /** For a deploy whose external step has a deadline instead of a lease: says that the work is done, or has failed. */
  async finish(finish: DeployFinish): Promise<void> {
    await this.#ask(() =>
      this.#client.workflow.getHandle(coordinatorId(this.environment)).signal(DEPLOY_FINISH_SIGNAL, finish),
    );
  }

  /**
   * Takes back a deploy that waits.
   * @throws {LockkeeperError} DEPLOY_NOT_FOUND, DEPLOY_NOT_CURRENT when it has begun or ended
   */
  async withdraw(withdrawal: Withdrawal): Promise<void> {
    try {
      await this.#ask(() =>
        this.#client.workflow
          .getHandle(coordinatorId(this.environment))
          .executeUpdate<void, [Withdrawal]>(WITHDRAW_DEPLOY_UPDATE, { args: [withdrawal] }),
      );
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** An operator's word to the deploy that runs. @throws {LockkeeperError} DEPLOY_NOT_CURRENT, USAGE */
  async operate(operation: Operation): Promise<DeployStatus> {
    try {
      return await this.#ask(() =>
        this.#run().executeUpdate<DeployStatus, [Operation]>(OPERATE_UPDATE, { args: [operation] }),
      );
    } catch (error) {
      throw refusalOf(error);
    }
  }

  #run(runId?: string): WorkflowHandle {
    return this.#client.workflow.getHandle(deployRunId(this.environment), runId, { followRuns: false });
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await this.#client.withDeadline(Date.now() + ASK_WITHIN, question);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): unknown {
    if (!isDeadlineExceeded(error)) return error;
    return new LockkeeperError(
      'NO_DEPLOY_WORKER',
      `nobody answers for environment ${this.environment} within ${ASK_WITHIN / 1000} s: ${errorMessage(error)}`,
      {
        next: 'Is a deploy worker running (`lockkeeper deploy-worker`), and can it reach its ledger? What was asked may still be heard: ask again under the same id',
        cause: error,
      },
    );
  }
}

/** gRPC status 4, here or in the cause. */
function isDeadlineExceeded(error: unknown): boolean {
  const codeOf = (e: unknown) => (typeof e === 'object' && e !== null && 'code' in e ? e.code : undefined);
  const cause = error instanceof Error ? error.cause : undefined;
  return codeOf(error) === 4 || codeOf(cause) === 4 || /deadline/i.test(errorMessage(error));
}
