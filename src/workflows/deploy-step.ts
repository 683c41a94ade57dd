import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TimeoutFailure,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  rootCause,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import { FINISH_SIGNAL, SKIP_SIGNAL, STEP_STATUS_QUERY, TAKE_LEASE_UPDATE } from '../protocol.ts';
import type {
  DeployFinish,
  DeployRef,
  DeployStepInput,
  Lease,
  Operation,
  PlanStep,
  StepOutcome,
  StepStatus,
  TakeLease,
} from '../protocol.ts';
import { checkInput } from './check-input.ts';
import { acts, stepWork } from './deploy-activities.ts';

/** A command or migration that is silent for longer has lost its deploy worker. */
const WORK_HEARTBEAT = 10_000;
/** How long a wrapper waits for the lease to be written down. */
const READ_LEASE_WITHIN = '30 seconds';

type External = Extract<PlanStep, { type: 'external' }>;

/** Runs one step of a deploy, or its rollback. Never fails: what happened is in its outcome. */
export async function deployStep(input: DeployStepInput): Promise<StepOutcome> {
  checkInput(input, { environment: 'string', deploy: 'string', token: 'number', step: 'object', external: 'object' });
  const step = new DeployStep(input);
  const outcome = await step.run();
  setCurrentDetails(
    `Step **${input.n} ${input.step.name}** (${input.step.type}): **${outcome.kind}**${'reason' in outcome ? `: ${outcome.reason}` : ''}`,
  );
  return outcome;
}

class DeployStep {
  readonly #input: DeployStepInput;
  readonly #ref: DeployRef;
  #phase: StepStatus['phase'] = 'running';
  #nonce: string | undefined;
  #finish: DeployFinish | undefined;
  #skip: Operation | undefined;

  constructor(input: DeployStepInput) {
    this.#input = input;
    this.#ref = { environment: input.environment, deploy: input.deploy, token: input.token };
    if (this.#waitsForLease) this.#phase = 'waitingForLease';
    setHandler(defineQuery<StepStatus>(STEP_STATUS_QUERY), () => ({
      deploy: input.deploy,
      phase: this.#phase,
      type: input.step.type,
    }));
    setHandler(defineUpdate<Lease, [TakeLease]>(TAKE_LEASE_UPDATE), (request) => this.#takeLease(request), {
      validator: (request: TakeLease) => this.#checkLease(request),
    });
    setHandler(defineSignal<[DeployFinish]>(FINISH_SIGNAL), (finish) => this.#accept(finish));
    setHandler(defineSignal<[Operation]>(SKIP_SIGNAL), (operation) => {
      if (operation?.deploy === this.#input.deploy) this.#skip ??= operation;
    });
  }

  get #waitsForLease(): boolean {
    return (
      this.#input.direction === 'forward' &&
      this.#input.step.type === 'external' &&
      this.#input.external.mode === 'lease'
    );
  }

  async run(): Promise<StepOutcome> {
    try {
      return await this.#act();
    } catch (error) {
      return outcomeOf(error);
    } finally {
      this.#phase = 'ended';
    }
  }

  #act(): Promise<StepOutcome> {
    const { step, direction, n, parameters } = this.#input;
    if (direction === 'back') return this.#rollBack();
    switch (step.type) {
      case 'command':
        return stepWork(`run ${step.command.argv[0]}`, {
          timeoutMs: step.timeoutMs,
          heartbeatTimeoutMs: WORK_HEARTBEAT,
          repeatable: step.idempotent,
        }).runCommand({
          ...this.#ref,
          n,
          name: step.name,
          command: step.command,
          idempotent: step.idempotent,
          parameters,
        });
      case 'migrate':
        return stepWork(`migrate ${step.database}`, {
          timeoutMs: step.timeoutMs,
          heartbeatTimeoutMs: WORK_HEARTBEAT,
          repeatable: true,
        }).runMigrations({
          ...this.#ref,
          n,
          directory: step.directory,
          database: step.database,
        });
      case 'wait':
        return this.#wait(step.timeoutMs);
      case 'external':
        return this.#input.external.mode === 'lease'
          ? this.#byLease(step)
          : this.#byDeadline(this.#input.external.deadlineMs);
    }
  }

  async #wait(ms: number): Promise<StepOutcome> {
    setCurrentDetails(
      `Waits until **${new Date(Date.now() + ms).toISOString()}**; \`lockkeeper deploy skip-step\` ends it before.`,
    );
    const skipped = await condition(() => this.#skip !== undefined, ms);
    return skipped
      ? { kind: 'done', note: `ended before its time by ${this.#skip!.by}: ${this.#skip!.reason}` }
      : { kind: 'done' };
  }

  async #rollBack(): Promise<StepOutcome> {
    const { step, n, parameters } = this.#input;
    if (!step.rollback) return { kind: 'done', note: 'nothing to roll back' };
    return stepWork(`roll back: ${step.rollback.argv[0]}`, {
      timeoutMs: step.timeoutMs,
      heartbeatTimeoutMs: WORK_HEARTBEAT,
      repeatable: true,
    }).runCommand({
      ...this.#ref,
      n,
      name: `${step.name} rollback`,
      command: step.rollback,
      idempotent: true,
      parameters,
    });
  }

  /** A wrapper does the work and heartbeats; that its heartbeat may stop is what makes it a lease. */
  async #byLease(step: External): Promise<StepOutcome> {
    const taken = await condition(() => this.#nonce !== undefined, step.claimWithinMs);
    if (!taken)
      return {
        kind: 'failed',
        reason: `nobody took the lease within ${step.claimWithinMs / 1000} s: is the one who asked for this deploy gone?`,
      };
    this.#phase = 'running';
    return stepWork('the outside world does this step', {
      timeoutMs: step.timeoutMs,
      heartbeatTimeoutMs: step.leaseMs,
      repeatable: false,
    }).holdLease({
      ...this.#ref,
      n: this.#input.n,
      attempt: this.#input.attempt,
      nonce: this.#nonce!,
    });
  }

  /** Nobody proves to be alive; there is only the deadline that was declared. */
  async #byDeadline(deadlineMs: number): Promise<StepOutcome> {
    const finished = await condition(() => this.#finish !== undefined, deadlineMs);
    if (!finished)
      return {
        kind: 'inDoubt',
        reason: `no deployFinish within ${deadlineMs / 1000} s: nobody knows whether the work was done`,
      };
    const note = this.#finish!.note;
    return this.#finish!.ok
      ? { kind: 'done', ...(note && { note }) }
      : { kind: 'failed', reason: note ?? 'deployFinish said that it failed' };
  }

  #checkLease(request: TakeLease): void {
    const refuse = (code: string, message: string) => ApplicationFailure.nonRetryable(message, code);
    if (request?.deploy !== this.#input.deploy)
      throw refuse(
        'DEPLOY_NOT_CURRENT',
        `this step belongs to deploy ${this.#input.deploy}, not to ${request?.deploy}`,
      );
    if (!this.#waitsForLease) throw refuse('USAGE', `step ${this.#input.step.name} is not done under a lease`);
    if (typeof request.nonce !== 'string' || request.nonce === '') throw refuse('USAGE', 'takeLease needs a nonce');
    if (this.#phase === 'ended') throw refuse('LEASE_LOST', 'this step has ended');
    if (this.#nonce !== undefined && this.#nonce !== request.nonce)
      throw refuse('LEASE_TAKEN', 'another one has taken the lease of this step');
  }

  async #takeLease(request: TakeLease): Promise<Lease> {
    this.#nonce = request.nonce;
    const { n, attempt } = this.#input;
    const taskToken = await acts('hand over the lease', {
      startToCloseTimeout: '5 seconds',
      scheduleToCloseTimeout: READ_LEASE_WITHIN,
      retry: { initialInterval: '100 milliseconds', backoffCoefficient: 1.2, maximumInterval: '1 second' },
    }).readLease({ ...this.#ref, n, attempt, nonce: request.nonce });
    return { taskToken, leaseMs: (this.#input.step as External).leaseMs };
  }

  #accept(finish: DeployFinish): void {
    const { external } = this.#input;
    const known =
      external.mode === 'deadline' && finish?.deploy === this.#input.deploy && finish.nonce === external.nonce;
    if (known) this.#finish ??= finish;
  }
}

/** A step that was lost or timed out may have done its work: that is in doubt, not failed. */
function outcomeOf(error: unknown): StepOutcome {
  if (error instanceof CancelledFailure || (isCancellation(error) && error instanceof ActivityFailure))
    return { kind: 'failed', reason: 'cancelled' };
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) {
    const lost = cause.timeoutType === 'HEARTBEAT';
    return {
      kind: 'inDoubt',
      reason: lost ? 'lease lost: whoever did this step fell silent' : 'the step did not end before its deadline',
    };
  }
  return { kind: 'failed', reason: rootCause(error) ?? 'unknown' };
}
