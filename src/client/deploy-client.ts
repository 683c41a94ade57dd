import { defineUpdate } from '@temporalio/workflow';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { isNotFound } from './not-found.ts';
import { LockkeeperError } from '../errors.ts';
import {
  CLAIM_TURN_UPDATE,
  COORDINATOR_STATUS_QUERY,
  DEPLOY_FINISH_SIGNAL,
  DEPLOY_STATUS_QUERY,
  OPERATE_UPDATE,
  REQUEST_DEPLOY_UPDATE,
  WITHDRAW_DEPLOY_UPDATE,
  coordinatorId,
  deployRunId,
} from '../protocol.ts';
import type {
  ClaimTurn,
  CoordinatorStatus,
  DeployFinish,
  DeployRequest,
  DeployRunResult,
  DeployStatus,
  DeployTicket,
  Freeze,
  Operation,
  WaitsFor,
  Withdrawal,
} from '../protocol.ts';
import { listDeploys } from '../ledger/deploys.ts';
import type { DeployRow } from '../ledger/deploys.ts';
import type { Ledger } from '../ledger/pool.ts';
import { Asking } from './asking.ts';
import { coordinatorWithStart } from './coordinator.ts';
import { elseNotCurrent } from './not-current.ts';
import { OrderActs } from './order-acts.ts';
import { plainClient } from './reading-client.ts';
import { StepLeases } from './step-leases.ts';
import { waitingIn } from './waiting.ts';
import { refusalOf } from './update-errors.ts';
import { watchDeploy } from './watch-deploy.ts';
import type { DeployNews } from './watch-deploy.ts';

const requestDeploy = defineUpdate<DeployTicket, [DeployRequest]>(REQUEST_DEPLOY_UPDATE);

/** Deploys in a list unless asked otherwise. */
const LIST_LIMIT = 20;

/** Where a deploy is, seen through Temporal alone. */
export type Whereabouts =
  | ({ readonly at: 'waiting' } & Waiting)
  | { readonly at: 'running'; readonly runId: string; readonly status: DeployStatus }
  | { readonly at: 'ended'; readonly result: DeployRunResult }
  /** The run is gone without an outcome; the coordinator cleans up after it. */
  | { readonly at: 'lost'; readonly how: string }
  | { readonly at: 'unknown' };

/** A request as a program makes it. `scheduledFor`: a Date, or an ISO time with its zone. */
export type AskedDeploy = Omit<DeployRequest, 'scheduledFor'> & { readonly scheduledFor?: string | Date };

/** What a deploy waits for. */
export interface Waiting {
  /** Those before it in the order; none while it takes no part in the order. */
  readonly ahead: readonly string[];
  /** The first of them, if it has the lock. */
  readonly holder?: LockHolder;
  /** Why it takes no part in the order yet. */
  readonly waitsFor?: WaitsFor;
  /** No deploy is given the lock, this one neither. */
  readonly freeze?: Freeze;
}

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
  /** For whoever does the external step of a deploy. */
  readonly leases: StepLeases;
  /** What people say about the order: approvals, expediting, freezes. */
  readonly order: OrderActs;
  readonly #client: Client;
  readonly #asking: Asking;
  readonly #ledger: Ledger | undefined;

  constructor(client: Client, environment: string, ledger?: Ledger) {
    this.#client = plainClient(client);
    this.environment = environment;
    this.leases = new StepLeases(this.#client, environment);
    this.#asking = new Asking(this.#client, environment);
    this.order = new OrderActs(this.#client, environment, this.#asking);
    this.#ledger = ledger;
  }

  /**
   * Asks for a deploy. The same request again gives its first ticket, with the outcome once it has one.
   * @throws {LockkeeperError} DEPLOY_CONFLICT, DEPLOY_INVALID, LEDGER_UNREACHABLE, NO_DEPLOY_WORKER
   */
  async request({ scheduledFor, ...asked }: AskedDeploy): Promise<DeployTicket> {
    const request: DeployRequest = {
      ...asked,
      ...(scheduledFor !== undefined && {
        scheduledFor: typeof scheduledFor === 'string' ? scheduledFor : scheduledFor.toISOString(),
      }),
    };
    return this.#asking.ask(async () => {
      try {
        return await this.#client.workflow.executeUpdateWithStart(requestDeploy, {
          args: [request],
          startWorkflowOperation: coordinatorWithStart(this.environment),
        });
      } catch (error) {
        throw refusalOf(error);
      }
    });
  }

  /** What the coordinator says: which deploy runs, which wait. */
  async coordinator(): Promise<CoordinatorStatus> {
    return this.#asking.ask(() =>
      this.#client.workflow
        .getHandle(coordinatorId(this.environment))
        .query<CoordinatorStatus>(COORDINATOR_STATUS_QUERY),
    );
  }

  /** Where a deploy is. `runId`: the run it was last seen in, so that another deploy's run is never mistaken for it. */
  async find(deploy: string, runId?: string): Promise<Whereabouts> {
    return this.#asking.ask(async () => {
      const run = await this.#describeRun(runId);
      if (run?.deploy === deploy) return this.#inRun(run.runId, run.status);
      const status = await this.coordinator();
      const { running } = status;
      // Its run has begun since we looked for it.
      if (running === deploy) return { at: 'waiting', ahead: [] };
      const waiting = waitingIn(status, deploy);
      if (!waiting) return { at: 'unknown' };
      const holder =
        waiting.ahead.length > 0 && run?.status === 'RUNNING' && run.deploy === running
          ? await run.holder()
          : undefined;
      return { at: 'waiting', ...waiting, ...(holder && { holder }) };
    });
  }

  /** The deploy whose run holds the lock; undefined when none does. */
  async holder(): Promise<LockHolder | undefined> {
    return this.#asking.ask(async () => {
      const run = await this.#describeRun();
      return run?.status === 'RUNNING' ? run.holder() : undefined;
    });
  }

  /** The deploy that is next while none runs; undefined when none waits. */
  async next(): Promise<string | undefined> {
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
    return this.#asking.ask(async () => {
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

  /**
   * For a deploy whose external step has a deadline instead of a lease: says that the work is done, or has failed.
   * @throws {LockkeeperError} DEPLOY_NOT_CURRENT when the environment has had no deploy
   */
  async finish(finish: DeployFinish): Promise<void> {
    await elseNotCurrent(finish.deploy, this.environment, () =>
      this.#asking.ask(() =>
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
        this.#asking.ask(() =>
          this.#client.workflow
            .getHandle(coordinatorId(this.environment))
            .executeUpdate<void, [Withdrawal]>(WITHDRAW_DEPLOY_UPDATE, { args: [withdrawal] }),
        ),
      );
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** The sign of life of the one who is to do the external step: its gates do not close before. @throws {LockkeeperError} DEPLOY_NOT_CURRENT */
  async claimTurn(claim: ClaimTurn): Promise<DeployStatus> {
    return this.#tellRun<ClaimTurn>(CLAIM_TURN_UPDATE, claim);
  }

  /** An operator's word to the deploy that runs. @throws {LockkeeperError} DEPLOY_NOT_CURRENT, USAGE */
  async operate(operation: Operation): Promise<DeployStatus> {
    return this.#tellRun<Operation>(OPERATE_UPDATE, operation);
  }

  async #tellRun<Word extends { readonly deploy: string }>(update: string, word: Word): Promise<DeployStatus> {
    try {
      return await elseNotCurrent(word.deploy, this.environment, () =>
        this.#asking.ask(() => this.#run().executeUpdate<DeployStatus, [Word]>(update, { args: [word] })),
      );
    } catch (error) {
      throw refusalOf(error);
    }
  }

  #run(runId?: string): WorkflowHandle {
    return this.#client.workflow.getHandle(deployRunId(this.environment), runId, { followRuns: false });
  }
}
