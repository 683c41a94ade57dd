import { randomUUID } from 'node:crypto';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { PARK_FOR, RESULT_IN_TEMPORAL_BYTES, SLICE_HEARTBEAT_EVERY } from '../defaults.ts';
import { LockkeeperError, errorMessage } from '../errors.ts';
import type { AnyJob } from '../jobs/define-job.ts';
import { isRetryable, runSlice } from '../jobs/run-slice.ts';
import type { SliceEnd } from '../jobs/run-slice.ts';
import { Saver } from '../jobs/saver.ts';
import { restoreState } from '../jobs/state.ts';
import { claimSlice, endClaim } from '../ledger/claims.ts';
import type { ClaimResult } from '../ledger/claims.ts';
import { backoffMs } from '../jobs/retry.ts';
import { loadCheckpoint, markGivenUp, markJob } from '../ledger/checkpoints.ts';
import type { Ledger } from '../ledger/pool.ts';
import { isConnectionError } from '../ledger/sql-errors.ts';
import type { Logger } from '../log.ts';
import type { JobFailureDetails, ReleaseChoice, SliceInput, SliceOutcome } from '../protocol.ts';
import { signalDrained } from './drain-signal.ts';
import type { RunningSlices } from './running-slices.ts';

/** Longest reason that goes into the ledger, characters. */
const LONGEST_REASON = 500;

/** What a worker knows of its gates. */
export interface GateView {
  /** Resolves true when the gate opens, false when the time is over or the signal fires. */
  whenOpen(taskQueue: string, ms: number, signal: AbortSignal): Promise<boolean>;
}

export interface SliceDependencies {
  readonly ledger: Ledger;
  readonly client: Client;
  readonly jobs: ReadonlyMap<string, AnyJob>;
  readonly worker: string;
  readonly buildId: string;
  readonly running: RunningSlices;
  readonly gates: GateView;
  readonly log: Logger;
  /** A transaction of a frozen worker is ended by Postgres after this, milliseconds. */
  readonly idleInTransactionMs: number;
}

/** The activity that runs one slice of any job: claim, run, step aside or end. */
export function createSliceActivity(deps: SliceDependencies) {
  return { slice: (input: SliceInput): Promise<SliceOutcome> => new SliceRun(deps, input).run() };
}

class SliceRun {
  readonly #deps: SliceDependencies;
  readonly #input: SliceInput;
  readonly #context = Context.current();
  #claim = randomUUID();
  readonly #log: Logger;
  #saver: Saver | undefined;

  constructor(deps: SliceDependencies, input: SliceInput) {
    this.#deps = deps;
    this.#input = input;
    this.#log = deps.log;
  }

  get #taskQueue(): string {
    return this.#context.info.taskQueue;
  }

  async run(): Promise<SliceOutcome> {
    const definition = this.#deps.jobs.get(this.#input.job);
    if (!definition) return { kind: 'refused', refusal: 'unknownJob' };
    if (this.#input.release?.action === 'fail') return this.#giveUp();
    const beat = setInterval(() => this.#heartbeat(), SLICE_HEARTBEAT_EVERY);
    this.#heartbeat();
    try {
      return await this.#claimAndRun(definition);
    } catch (error) {
      // The ledger is away before anything was claimed: an interruption; the workflow tries again after a pause.
      if (isConnectionError(error) && !this.#saver) {
        return { kind: 'yielded', seq: this.#input.seq, reason: 'the ledger does not answer', stopped: this.#claim };
      }
      throw error;
    } finally {
      clearInterval(beat);
    }
  }

  async #giveUp(): Promise<SliceOutcome> {
    await markGivenUp(this.#deps.ledger, this.#input.key);
    return { kind: 'quarantined', seq: this.#input.seq, reason: 'given up' };
  }

  #heartbeat(): void {
    this.#context.heartbeat({ seq: this.#saver?.seq ?? this.#input.seq, ...this.#saver?.progress });
  }

  async #claimAndRun(definition: AnyJob): Promise<SliceOutcome> {
    for (;;) {
      if (this.#deps.running.stopping) return { kind: 'refused', refusal: 'workerStopping' };
      const stopping = new AbortController();
      this.#claim = randomUUID();
      // Known here before it is known to the ledger: a claim of this worker that is not known here has ended.
      this.#deps.running.add({ claim: this.#claim, taskQueue: this.#taskQueue, stopping });
      try {
        const outcome = await this.#tryOnce(definition, stopping.signal);
        if (outcome) return outcome;
      } finally {
        this.#deps.running.remove(this.#claim);
      }
      const open = await this.#deps.gates.whenOpen(this.#taskQueue, PARK_FOR, this.#context.cancellationSignal);
      if (!open) return { kind: 'refused', refusal: 'gateClosed' };
    }
  }

  /** Undefined: the gate is closed. */
  async #tryOnce(definition: AnyJob, stopping: AbortSignal): Promise<SliceOutcome | undefined> {
    const claimed = await this.#claimOnce(definition);
    switch (claimed.verdict) {
      case 'claimed':
        return this.#runClaimed(definition, claimed, stopping);
      case 'ended':
        return this.#endedBefore(claimed);
      case 'behind':
      case 'quarantined':
        return { kind: 'quarantined', seq: claimed.seq, reason: claimed.reason ?? 'unknown' };
      case 'gateClosed':
        return undefined;
    }
  }

  #claimOnce(definition: AnyJob): Promise<ClaimResult> {
    return claimSlice(this.#deps.ledger, {
      claim: this.#claim,
      key: this.#input.key,
      workflowId: this.#context.info.workflowExecution!.workflowId,
      job: definition.name,
      taskQueue: this.#taskQueue,
      worker: this.#deps.worker,
      buildId: this.#deps.buildId,
      taskToken: this.#context.info.taskToken,
      seq: this.#input.seq,
      stopped: this.#input.stopped,
      releaseSeq: releaseSeq(this.#input.release),
      atomicMs: definition.atomicMs,
    });
  }

  /** A slice that ran before has saved the result and was interrupted before it could say so. */
  async #endedBefore(claimed: ClaimResult): Promise<SliceOutcome> {
    if (claimed.reason === 'cancelled') return { kind: 'cancelled', seq: claimed.seq };
    const last = await loadCheckpoint(this.#deps.ledger, this.#input.key);
    if (last === undefined || last === 'missing' || last.kind !== 'done') {
      return {
        kind: 'quarantined',
        seq: claimed.seq,
        reason: `the job is ${claimed.reason} and its result is not in the ledger`,
      };
    }
    return doneOutcome(claimed.seq, last.value);
  }

  async #runClaimed(definition: AnyJob, claimed: ClaimResult, stopping: AbortSignal): Promise<SliceOutcome> {
    const { ledger } = this.#deps;
    try {
      const version = definition.options.state?.version ?? 1;
      const saver = new Saver(
        ledger,
        { key: this.#input.key, claim: this.#claim, epoch: claimed.epoch },
        claimed.seq,
        version,
      );
      const restored = restoreState(
        definition,
        await saver.whenLedgerIsBack(() => loadCheckpoint(ledger, this.#input.key)),
      );
      this.#saver = saver;
      if (!restored.ok) return await this.#quarantine(restored.reason);
      const end = await this.#work(definition, saver, restored.state, stopping);
      return await this.#finish(saver, end);
    } catch (error) {
      throw await this.#fail(definition, error);
    }
  }

  async #work(definition: AnyJob, saver: Saver, state: unknown, stopping: AbortSignal): Promise<SliceEnd> {
    return runSlice({
      definition,
      mode: this.#input.mode,
      input: parseInput(definition, this.#input.input),
      state,
      jobId: this.#context.info.workflowExecution!.workflowId,
      ledger: this.#deps.ledger,
      saver,
      stopping,
      cancelled: this.#context.cancellationSignal,
      log: this.#log,
      idleTimeoutMs: this.#deps.idleInTransactionMs,
    });
  }

  async #finish(saver: Saver, end: SliceEnd): Promise<SliceOutcome> {
    const { ledger } = this.#deps;
    switch (end.kind) {
      case 'done':
        await this.#end('the job ended');
        return doneOutcome(saver.seq, end.result);
      case 'yielded':
        await this.#end(end.reason);
        return { kind: 'yielded', seq: saver.seq, reason: end.reason };
      case 'cancelled':
        if (this.#input.mode === 'cancel')
          await markJob(ledger, this.#input.key, this.#claim, 'cancelled', 'cancelled');
        await this.#end('cancelled');
        if (this.#input.mode === 'cancel') return { kind: 'cancelled', seq: saver.seq };
        if (this.#context.cancellationDetails?.cancelRequested) throw new CancelledFailure('the job was cancelled');
        // The worker's grace time was over, or the server gave this attempt up: an interruption like any other.
        return { kind: 'yielded', seq: saver.seq, reason: 'told to stop at once' };
      case 'fenced':
        // Confirms that this slice has stopped. Whoever fenced it has told the server; what is answered here is not heard.
        await this.#end('fenced, and stopped');
        return { kind: 'yielded', seq: saver.seq, reason: 'fenced' };
      case 'ledgerAway':
        return { kind: 'yielded', seq: saver.seq, reason: 'the ledger does not answer', stopped: this.#claim };
    }
  }

  async #quarantine(reason: string): Promise<SliceOutcome> {
    await markJob(this.#deps.ledger, this.#input.key, this.#claim, 'quarantined', reason);
    await this.#end(reason);
    return { kind: 'quarantined', seq: this.#saver?.seq ?? this.#input.seq, reason };
  }

  async #fail(definition: AnyJob, error: unknown): Promise<unknown> {
    if (error instanceof CancelledFailure) return error;
    const message = errorMessage(error);
    const seq = this.#saver?.seq ?? this.#input.seq;
    const failures = seq > this.#input.seq ? 1 : this.#input.failures + 1;
    const again = isRetryable(error) && failures < definition.retry.maximumAttempts;
    this.#log.warn({ err: error, job: definition.name, key: this.#input.key, failures, again }, 'the job failed');
    const said = message.slice(0, LONGEST_REASON);
    await this.#unlessAway(() =>
      markJob(this.#deps.ledger, this.#input.key, this.#claim, again ? 'waiting' : 'failed', said),
    );
    await this.#end(`failed: ${said}`);
    const details: JobFailureDetails = {
      seq,
      failures,
      ...(again && { retryAfterMs: backoffMs(definition.retry, failures) }),
    };
    return ApplicationFailure.create({
      message,
      type: error instanceof LockkeeperError ? error.code : 'JOB_FAILED',
      nonRetryable: true,
      details: [details],
      ...(error instanceof Error && { cause: error }),
    });
  }

  /** Ends the claim and owes the drain signal if it was the last one. A ledger that is away is told later, by the worker. */
  async #end(reason: string): Promise<void> {
    await this.#unlessAway(async () => {
      const ended = await endClaim(this.#deps.ledger, this.#claim, 'released', reason);
      if (ended.drained) await signalDrained(this.#deps.client, ended.drained, this.#log);
    });
  }

  async #unlessAway(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      this.#log.warn(
        { err: error, claim: this.#claim },
        'the claim could not be ended; it will be when the ledger is back',
      );
    }
  }
}

/** How a person's choice is told to the ledger: 0 the initial state, n checkpoint n, -1 the last one. */
function releaseSeq(release: ReleaseChoice | undefined): number | undefined {
  if (release === undefined) return undefined;
  switch (release.action) {
    case 'restart':
      return 0;
    case 'from':
      return release.seq;
    default:
      return -1;
  }
}

function doneOutcome(seq: number, result: unknown): SliceOutcome {
  const size = Buffer.byteLength(JSON.stringify(result) ?? '');
  return size > RESULT_IN_TEMPORAL_BYTES ? { kind: 'done', seq, inLedger: true } : { kind: 'done', seq, result };
}

function parseInput(definition: AnyJob, input: unknown): unknown {
  const parse = definition.options.parseInput;
  if (!parse) return input;
  try {
    return parse(input) as unknown;
  } catch (error) {
    throw new LockkeeperError(
      'JOB_INPUT_INVALID',
      `the input of job ${definition.name} does not parse: ${errorMessage(error)}`,
      {
        next: 'Start it again with a corrected input',
        cause: error,
      },
    );
  }
}
