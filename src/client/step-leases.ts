import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { LockkeeperError, isLockkeeperError } from '../errors.ts';
import { STEP_STATUS_QUERY, TAKE_LEASE_UPDATE, deployStepId } from '../protocol.ts';
import type { DeployStatus, Lease, StepOutcome, StepStatus } from '../protocol.ts';
import { Asking } from './asking.ts';
import { describeHolder, leaseHolder, thisProcess } from './lease-taken.ts';
import type { LeaseHolder } from './lease-taken.ts';
import { isNotFound } from './not-found.ts';
import { refusalOf } from './update-errors.ts';

/** The leases of external steps: taken once, held by heartbeats, and ended with the step's outcome. */
export class StepLeases {
  readonly #client: Client;
  readonly #environment: string;
  readonly #asking: Asking;

  constructor(client: Client, environment: string) {
    this.#client = client;
    this.#environment = environment;
    this.#asking = new Asking(client, environment);
  }

  /** The external step that has begun and not ended. */
  #underWay(status: DeployStatus): { workflowId: string; name: string } | undefined {
    const step = status.steps.find((s) => s.type === 'external' && s.state === 'started');
    return step && { workflowId: deployStepId(this.#environment, status.deploy, step.n, step.name), name: step.name };
  }

  /** The step that waits for somebody to take its lease, if there is one. */
  async waiting(status: DeployStatus): Promise<{ workflowId: string; name: string } | undefined> {
    const step = this.#underWay(status);
    if (!step) return undefined;
    try {
      const { phase } = await this.#asking.ask(() =>
        this.#client.workflow.getHandle(step.workflowId).query<StepStatus>(STEP_STATUS_QUERY),
      );
      return phase === 'waitingForLease' ? step : undefined;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError || isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Who does the external step that runs now under a lease, once it has been heard of. */
  async holder(status: DeployStatus): Promise<{ step: string; holder: LeaseHolder } | undefined> {
    const step = this.#underWay(status);
    if (!step) return undefined;
    const holder = await this.#asking.ask(() => leaseHolder(this.#client, step.workflowId));
    return holder && { step: step.name, holder };
  }

  /**
   * Takes the lease of an external step. The same nonce gets the same lease again.
   * @throws {LockkeeperError} LEASE_TAKEN, LEASE_LOST
   */
  async take(workflowId: string, deploy: string, nonce: string): Promise<Lease> {
    try {
      return await this.#asking.ask(() =>
        this.#client.workflow
          .getHandle(workflowId)
          .executeUpdate<Lease, [{ deploy: string; nonce: string }]>(TAKE_LEASE_UPDATE, { args: [{ deploy, nonce }] }),
      );
    } catch (error) {
      const refusal = refusalOf(error);
      throw isLockkeeperError(refusal, 'LEASE_TAKEN') ? await this.#taken(workflowId, deploy, refusal) : refusal;
    }
  }

  async #taken(workflowId: string, deploy: string, refusal: LockkeeperError): Promise<LockkeeperError> {
    // Who it is makes the refusal better; that it cannot be asked does not make it another one.
    const holder = await this.#asking.ask(() => leaseHolder(this.#client, workflowId)).catch(() => undefined);
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
}
