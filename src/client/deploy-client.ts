import { WorkflowNotFoundError } from '@temporalio/client';
import { defineUpdate } from '@temporalio/workflow';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { isNotFound } from './not-found.ts';
import { LockkeeperError, errorMessage, isLockkeeperError } from '../errors.ts';
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
import { listDeploys } from '../ledger/deploys.ts';
import type { DeployRow } from '../ledger/deploys.ts';
import type { Ledger } from '../ledger/pool.ts';
import { coordinatorWithStart } from './coordinator.ts';
import { elseNotCurrent } from './not-current.ts';
import { describeHolder, leaseHolder, thisProcess } from './lease-taken.ts';
import { refusalOf } from './update-errors.ts';
import { watchDeploy } from './watch-deploy.ts';
import type { DeployNews } from './watch-deploy.ts';

const requestDeploy = defineUpdate<DeployTicket, [DeployRequest]>(REQUEST_DEPLOY_UPDATE);

/** One question, milliseconds: a query needs a deploy worker, an update one and its ledger. */
const ASK_WITHIN = 10_000;

/** Deploys in a list unless asked otherwise. */
const LIST_LIMIT = 20;

/** Where a deploy is, seen through Temporal alone. */
export type Whereabouts =
  | { readonly at: 'waiting'; readonly ahead: readonly string[]; readonly holder?: LockHolder }
  | { readonly at: 'running'; readonly runId: string; readonly status: DeployStatus }
  | { readonly at: 'ended'; readonly result: DeployRunResult }
  /** The run is gone without an outcome; the coordinator cleans up after it. */
  | { readonly at: 'lost'; readonly how: string }
  | { readonly at: 'unknown' };

/** The deploy whose run holds the lock. */
export interface LockHolder {
  readonly deploy: string;
  readonly since: Date;
  /** Its version, its plan and who asked for it, in words. */
  readonly summary?: string;
}

/**
 * Asks for deploys and takes part in them, for CI scripts and services. Needs Temporal only; with a ledger it knows the
 * deploys of the past as well.
 * @example
 * const deploys = new DeployClient(client, 'production');
 * await deploys.request({ id: 'v42', plan: 'default', requestedBy: 'ci' });
 * for await (const news of deploys.watch('v42')) console.log(news.kind);
 */
export class DeployClient {
  readonly environment: string;
  readonly #client: Client;
  readonly #ledger: Ledger | undefined;

  constructor(client: Client, environment: string, ledger?: Ledger) {
    this.#client = client;
    this.environment = environment;
    this.#ledger = ledger;
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
      const run = await this.#describeRun(runId);
      if (run?.deploy === deploy) return this.#inRun(run.runId, run.status);
      const { queued, running } = await this.coordinator();
      // Its run has begun since we looked for it.
      if (running === deploy) return { at: 'waiting', ahead: [] };
      const place = queued.findIndex((q) => q.deploy === deploy);
      if (place < 0) return { at: 'unknown' };
      const holder = run?.status === 'RUNNING' && run.deploy === running ? await run.holder() : undefined;
      return {
        at: 'waiting',
        ahead: [...(running === undefined ? [] : [running]), ...queued.slice(0, place).map((q) => q.deploy)],
        ...(holder && { holder }),
      };
    });
  }

  /** The deploy that runs, or the one that is next; undefined when there is none. */
  async current(): Promise<string | undefined> {
    const run = await this.#ask(() => this.#describeRun());
    if (run?.status === 'RUNNING') return run.deploy;
    try {
      const { running, queued } = await this.coordinator();
      return running ?? queued[0]?.deploy;
    } catch (error) {
      // No coordinator was ever asked for anything.
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** How a deploy ended, for as long as Temporal keeps its run; undefined when it knows of none. */
  async endedAs(deploy: string): Promise<DeployRunResult | undefined> {
    const query = `WorkflowId = '${deployRunId(this.environment)}' and LockkeeperDeploy = '${deploy}' and ExecutionStatus = 'Completed'`;
    return this.#ask(async () => {
      for await (const { runId } of this.#client.workflow.list({ query, pageSize: 1 }))
        return (await this.#run(runId).result()) as DeployRunResult;
      return undefined;
    });
  }

  async #describeRun(runId?: string) {
    try {
      const { runId: found, status, memo, startTime, staticSummary } = await this.#run(runId).describe();
      const deploy = memo?.['deploy'] as string | undefined;
      const holder = async (): Promise<LockHolder | undefined> => {
        const summary = await staticSummary();
        return deploy === undefined ? undefined : { deploy, since: startTime, ...(summary && { summary }) };
      };
      return { runId: found, status: status.name, deploy, holder };
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

  /**
   * What happens to a deploy, looked at twice a second, until it has ended or `signal` fires. The last news is `ended`. That
   * nobody answers is news as well (`noAnswer`), not an end.
   * @throws {LockkeeperError} DEPLOY_NOT_FOUND; without a ledger DEPLOY_NOT_CURRENT when it neither runs nor waits
   */
  watch(deploy: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<DeployNews, void, void> {
    return watchDeploy(this, this.#ledger, deploy, options.signal);
  }

  /**
   * Waits for the end of a deploy. Throws the signal's reason when it fires before.
   * @throws {LockkeeperError} DEPLOY_NOT_FOUND; without a ledger DEPLOY_NOT_CURRENT when it neither runs nor waits
   * @example const { outcome } = await deploys.result('v42', { signal: AbortSignal.timeout(600_000) });
   */
  async result(deploy: string, options: { readonly signal?: AbortSignal } = {}): Promise<DeployRunResult> {
    for await (const news of this.watch(deploy, options)) {
      if (news.kind !== 'ended') continue;
      const { outcome, reason } = news;
      return { deploy, outcome, ...(reason !== undefined && { reason }) };
    }
    throw options.signal?.reason;
  }

  /** The environment's deploys, latest first. @throws {LockkeeperError} USAGE without a ledger */
  async list(options: { readonly limit?: number } = {}): Promise<DeployRow[]> {
    if (this.#ledger) return listDeploys(this.#ledger, this.environment, options.limit ?? LIST_LIMIT);
    throw new LockkeeperError(
      'USAGE',
      'this client of deploys has no ledger, and Temporal does not know the past ones',
      {
        next: 'Use the one of `connect()`, or give it a ledger: `new DeployClient(client, environment, ledger)`',
      },
    );
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
      const refusal = refusalOf(error);
      throw isLockkeeperError(refusal, 'LEASE_TAKEN') ? await this.#leaseTaken(workflowId, deploy, refusal) : refusal;
    }
  }

  async #leaseTaken(workflowId: string, deploy: string, refusal: LockkeeperError): Promise<LockkeeperError> {
    // Who it is makes the refusal better; that it cannot be asked does not make it another one.
    const holder = await this.#ask(() => leaseHolder(this.#client, workflowId)).catch(() => undefined);
    return new LockkeeperError('LEASE_TAKEN', `${refusal.message}${holder ? `: ${describeHolder(holder)}` : ''}`, {
      next: `Follow it with \`lockkeeper deploy watch ${deploy}\`, or end it with \`lockkeeper deploy abort ${deploy} --reason …\``,
      cause: refusal,
    });
  }

  /** Proves that the holder of a lease is alive. Throws ActivityNotFoundError or ActivityCancelledError when it is lost. */
  heartbeat(lease: Lease): Promise<void> {
    return this.#underLease(lease, (token) => this.#client.activity.heartbeat(token, thisProcess()));
  }

  /** Ends an external step. Throws ActivityNotFoundError when the lease is lost. */
  complete(lease: Lease, outcome: StepOutcome): Promise<void> {
    return this.#underLease(lease, (token) => this.#client.activity.complete(token, outcome));
  }

  /** Ends an external step that was cancelled, once its work has really stopped. */
  reportCancelled(lease: Lease): Promise<void> {
    return this.#underLease(lease, (token) => this.#client.activity.reportCancellation(token));
  }

  /** Without a deadline a call on a cut connection hangs for longer than the lease. */
  #underLease(lease: Lease, call: (token: Uint8Array) => Promise<void>): Promise<void> {
    return this.#client.withDeadline(Date.now() + lease.leaseMs / 4, () =>
      call(Buffer.from(lease.taskToken, 'base64')),
    );
  }

  /**
   * For a deploy whose external step has a deadline instead of a lease: says that the work is done, or has failed.
   * @throws {LockkeeperError} DEPLOY_NOT_CURRENT when the environment has had no deploy
   */
  async finish(finish: DeployFinish): Promise<void> {
    await elseNotCurrent(finish.deploy, this.environment, () =>
      this.#ask(() =>
        this.#client.workflow.getHandle(coordinatorId(this.environment)).signal(DEPLOY_FINISH_SIGNAL, finish),
      ),
    );
  }

  /**
   * Takes back a deploy that waits.
   * @throws {LockkeeperError} DEPLOY_NOT_FOUND, DEPLOY_NOT_CURRENT when it has begun or ended
   */
  async withdraw(withdrawal: Withdrawal): Promise<void> {
    try {
      await elseNotCurrent(withdrawal.deploy, this.environment, () =>
        this.#ask(() =>
          this.#client.workflow
            .getHandle(coordinatorId(this.environment))
            .executeUpdate<void, [Withdrawal]>(WITHDRAW_DEPLOY_UPDATE, { args: [withdrawal] }),
        ),
      );
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** An operator's word to the deploy that runs. @throws {LockkeeperError} DEPLOY_NOT_CURRENT, USAGE */
  async operate(operation: Operation): Promise<DeployStatus> {
    try {
      return await elseNotCurrent(operation.deploy, this.environment, () =>
        this.#ask(() => this.#run().executeUpdate<DeployStatus, [Operation]>(OPERATE_UPDATE, { args: [operation] })),
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
    // A refusal may speak of deadlines, too.
    if (error instanceof LockkeeperError || !isDeadlineExceeded(error)) return error;
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
