import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  TimeoutFailure,
  condition,
  isCancellation,
  proxyActivities,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { SLICE_HEARTBEAT_TIMEOUT } from '../defaults.ts';
import type {
  JobFailureDetails,
  JobPhase,
  JobProgressInput,
  JobStatus,
  ReleaseChoice,
  SliceInput,
  SliceOutcome,
  SliceRefusal,
} from '../protocol.ts';

/** A slice may take as long as it needs: what bounds it is its heartbeat, and a drain's deadline. */
const SLICE_START_TO_CLOSE = '365 days';
/** Between the loss of a slice (worker gone, heartbeat missed) and the next attempt: nothing to wait for. */
const SLICE_RETRY_INTERVAL = '1 second';
/** After a refusal: by then the server holds the queue back, so this is not a spin. */
const AFTER_REFUSAL = '1 second';
/** Until a worker that knows the job, or can read its checkpoint, is there. */
const AFTER_WRONG_WORKER = '10 seconds';
/** While the ledger is away. */
const AFTER_LEDGER_AWAY = '2 seconds';

export interface JobRunOptions {
  readonly key: string;
  readonly job: string;
  readonly input: unknown;
  readonly taskQueue: string;
  readonly heartbeatTimeoutMs: number | undefined;
  /** For the slices, as {@link SliceInput} has them. */
  readonly results?: Readonly<Record<string, string>> | undefined;
  readonly owner: string | undefined;
}

/** One job inside a workflow: runs slice after slice until the job has ended. */
export class JobRun {
  /** Called whenever the status has changed. */
  onChange: () => void = () => undefined;
  readonly #options: JobRunOptions;
  #phase: JobPhase = 'running';
  #seq: number;
  #failures: number;
  #interruptions: number;
  #reason: string | undefined;
  #wentBack: string | undefined;
  #stopped: string | undefined;
  #release: ReleaseChoice | undefined;

  constructor(options: JobRunOptions, from: Omit<JobProgressInput, 'key'> = { seq: 0, failures: 0, interruptions: 0 }) {
    this.#options = options;
    this.#seq = from.seq;
    this.#failures = from.failures;
    this.#interruptions = from.interruptions;
    this.#wentBack = from.wentBack;
    this.#stopped = from.stopped;
    this.#release = from.release;
  }

  #enter(phase: JobPhase, reason = this.#reason): void {
    this.#phase = phase;
    // Why it was once interrupted is not why it ended well.
    this.#reason = phase === 'done' || phase === 'cancelled' ? undefined : reason;
    this.onChange();
  }

  status(): JobStatus {
    return {
      key: this.#options.key,
      job: this.#options.job,
      phase: this.#phase,
      seq: this.#seq,
      interruptions: this.#interruptions,
      failures: this.#failures,
      ...(this.#reason !== undefined && { reason: this.#reason }),
      ...(this.#wentBack !== undefined && { wentBack: this.#wentBack }),
    };
  }

  /** What the next history of this job begins with; a person's choice that no slice has heard yet is part of it. */
  carriedOn(): JobProgressInput {
    return {
      key: this.#options.key,
      seq: this.#seq,
      failures: this.#failures,
      interruptions: this.#interruptions,
      ...(this.#wentBack !== undefined && { wentBack: this.#wentBack }),
      ...(this.#stopped && { stopped: this.#stopped }),
      ...(this.#release && { release: this.#release }),
    };
  }

  /** Whether a person's choice can be taken now: undefined if so, else why not. */
  refuseRelease(choice: ReleaseChoice): string | undefined {
    if (this.#phase !== 'quarantined') return `the job is ${this.#phase}, only a quarantined one can be released`;
    if (!['continue', 'restart', 'from', 'fail'].includes(choice?.action))
      return `${JSON.stringify(choice)} is no choice: continue, restart, from or fail`;
    if (choice.action === 'from' && (!Number.isInteger(choice.seq) || choice.seq < 1))
      return `${choice.seq} is not a checkpoint number`;
    return undefined;
  }

  release(choice: ReleaseChoice): void {
    this.#release = choice;
  }

  /**
   * Runs the job to its end. `pause` is asked between slices; true means: stop here, the caller continues as new.
   * @throws {ApplicationFailure} JOB_FAILED and other codes, when the job's retry budget is used up
   */
  async run(pause: () => boolean): Promise<SliceOutcome | 'paused'> {
    try {
      return await this.#loop(pause);
    } catch (error) {
      // A slice whose worker fell silent after it was told to end: the server does not try it again, nor is it an answer.
      const lost = isLoss(error) && CancellationScope.current().consideredCancelled;
      if (!isCancellation(error) && !lost) throw error;
      await CancellationScope.nonCancellable(() => this.#cancel());
      throw lost ? new CancelledFailure('the job was cancelled') : error;
    }
  }

  async #loop(pause: () => boolean): Promise<SliceOutcome | 'paused'> {
    for (;;) {
      this.#enter('running');
      const outcome = await this.#slice('run');
      if (outcome === 'failed') continue;
      switch (outcome.kind) {
        case 'done':
          this.#enter('done');
          return outcome;
        case 'yielded':
          await this.#interrupted(outcome);
          break;
        case 'refused':
          this.#enter('interrupted', outcome.reason ?? refusals[outcome.refusal]);
          await sleep(isOfTheWorker(outcome.refusal) ? AFTER_WRONG_WORKER : AFTER_REFUSAL);
          break;
        case 'quarantined':
          await this.#quarantined(outcome.reason);
          // Also where a new history begins now: nobody waits for a person any more.
          this.#enter('running');
          break;
        case 'cancelled':
          throw ApplicationFailure.nonRetryable('the job was cancelled before', 'JOB_FAILED');
      }
      if (pause()) return 'paused';
    }
  }

  async #interrupted(outcome: Extract<SliceOutcome, { kind: 'yielded' }>): Promise<void> {
    if (outcome.seq > this.#seq) this.#failures = 0;
    this.#seq = Math.max(this.#seq, outcome.seq);
    this.#interruptions += 1;
    this.#stopped = outcome.stopped;
    if (outcome.wentBack) this.#wentBack = outcome.reason;
    this.#enter('interrupted', outcome.reason);
    if (outcome.stopped) await sleep(AFTER_LEDGER_AWAY);
  }

  async #quarantined(reason: string): Promise<void> {
    this.#release = undefined;
    this.#enter('quarantined', reason);
    await condition(() => this.#release !== undefined);
    if (this.#choice()?.action === 'fail') {
      // The ledger is told by a slice that does nothing else.
      await this.#slice('run');
      this.#enter('failed');
      throw ApplicationFailure.nonRetryable(`released to fail: ${reason}`, 'JOB_FAILED');
    }
    this.#failures = 0;
    // The person has seen where the ledger stands: from here on the workflow believes it.
    this.#seq = 0;
  }

  #choice(): ReleaseChoice | undefined {
    return this.#release;
  }

  async #cancel(): Promise<void> {
    let released = false;
    // A job in quarantine is released for its compensation, and where the ledger stands is believed.
    const release = () => {
      released = true;
      this.#release = { action: 'continue' };
      this.#seq = 0;
    };
    if (this.#phase === 'quarantined') release();
    for (;;) {
      const outcome = await this.#slice('cancel');
      if (outcome !== 'failed' && (outcome.kind === 'cancelled' || outcome.kind === 'done')) break;
      // It is not undone yet: without a person's word nobody would ever know.
      if (outcome !== 'failed' && outcome.kind === 'quarantined') {
        if (released) await this.#quarantined(outcome.reason);
        else release();
      }
      await sleep(AFTER_REFUSAL);
    }
    this.#enter('cancelled');
  }

  async #slice(mode: SliceInput['mode']): Promise<SliceOutcome | 'failed'> {
    const { key, job, input, taskQueue, heartbeatTimeoutMs, owner, results } = this.#options;
    const { slice } = proxyActivities<{ slice(input: SliceInput): Promise<SliceOutcome> }>({
      taskQueue,
      startToCloseTimeout: SLICE_START_TO_CLOSE,
      heartbeatTimeout: heartbeatTimeoutMs ?? SLICE_HEARTBEAT_TIMEOUT,
      // For losses only; what the job's own code throws is not retryable and counted here.
      retry: { initialInterval: SLICE_RETRY_INTERVAL, backoffCoefficient: 1 },
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      // Eager dispatch would go round a paused queue.
      allowEagerDispatch: false,
      summary: `${job} from checkpoint ${this.#seq}`,
    });
    const release = this.#release;
    const stopped = this.#stopped;
    this.#release = undefined;
    this.#stopped = undefined;
    try {
      const given = await slice({
        key,
        job,
        input,
        seq: this.#seq,
        failures: this.#failures,
        mode,
        ...(owner !== undefined && { owner }),
        ...(stopped && { stopped }),
        ...(release && { release }),
        ...(results && { results }),
      });
      const outcome = isOutcome(given) ? given : this.#byHand();
      // Nothing of the choice has been heard: it stands for the next slice.
      if (release && (outcome.kind === 'refused' || (outcome.kind === 'yielded' && outcome.stopped)))
        this.#release = release;
      if (outcome.kind === 'done') this.#seq = outcome.seq;
      return outcome;
    } catch (error) {
      await this.#countFailure(error);
      return 'failed';
    }
  }

  /** Somebody completed the slice's activity with a result of their own: where it stood the ledger knows. */
  #byHand(): SliceOutcome {
    return { kind: 'yielded', seq: this.#seq, reason: 'its slice was completed by hand' };
  }

  async #countFailure(error: unknown): Promise<void> {
    const details = failureDetails(error);
    if (!details) throw error;
    this.#failures = details.failures;
    this.#seq = Math.max(this.#seq, details.seq);
    const reason = (error as ActivityFailure).cause?.message;
    if (details.retryAfterMs === undefined) {
      this.#enter('failed', reason);
      throw error;
    }
    this.#enter('waiting', reason);
    await sleep(details.retryAfterMs);
  }
}

const isOutcome = (given: unknown): given is SliceOutcome =>
  typeof given === 'object' && given !== null && 'kind' in given;

const refusals = {
  gateClosed: 'the gate of its task queue is closed',
  workerStopping: 'the worker is stopping',
  unknownJob: 'no worker of this task queue knows the job',
  cannotRead: 'the worker that took it cannot read its checkpoint',
} as const;

/** Another worker may do better: there is no hurry to ask this one again. */
const isOfTheWorker = (refusal: SliceRefusal) => refusal === 'unknownJob' || refusal === 'cannotRead';

const isLoss = (error: unknown): boolean => error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;

function failureDetails(error: unknown): JobFailureDetails | undefined {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure)) return undefined;
  const details = error.cause.details?.[0] as JobFailureDetails | undefined;
  return typeof details?.seq === 'number' ? details : undefined;
}

/**
 * The identity of a job in the ledger, from what a reset keeps: the run id a workflow first had, or was continued from,
 * and the number of the job within it.
 */
export function jobKey(ordinal: number): string {
  const info = workflowInfo();
  const base =
    info.continuedFromExecutionRunId === undefined ? info.firstExecutionRunId : `${info.continuedFromExecutionRunId}~`;
  return `${base}/${ordinal}`;
}
