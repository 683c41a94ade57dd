import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { JobSeal } from '../crypto/job-seal.ts';
import { RESULT_IN_TEMPORAL_BYTES } from '../defaults.ts';
import { LockkeeperError, readableError } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import type { AnyJob, OnUnrestorable } from '../jobs/define-job.ts';
import { parseInput } from '../jobs/input.ts';
import { afterFailure, backoffMs } from '../jobs/retry.ts';
import { isRetryable, runSlice } from '../jobs/run-slice.ts';
import type { SliceEnd } from '../jobs/run-slice.ts';
import { LedgerAway, Saver } from '../jobs/saver.ts';
import { forLedger } from '../jobs/reason.ts';
import type { Reason } from '../jobs/reason.ts';
import type { NotOpened } from '../jobs/state.ts';
import { endClaim } from '../ledger/claims.ts';
import type { ClaimResult } from '../ledger/claims.ts';
import { loadCheckpoint } from '../ledger/checkpoints.ts';
import type { Progress } from '../ledger/checkpoints.ts';
import { markCancelling, markJob } from '../ledger/mark-job.ts';
import { isConnectionError } from '../ledger/sql-errors.ts';
import type { JobFailureDetails, SliceInput, SliceOutcome } from '../protocol.ts';
import { signalDrained } from './drain-signal.ts';
import { inputOf } from './input-of.ts';
import type { SliceDependencies } from './slice-dependencies.ts';
import { outcomeOf, settleUnrestorable } from './unrestorable.ts';
import type { Became } from './unrestorable.ts';

/** Longest reason that goes into the ledger, characters. */
const LONGEST_REASON = 500;

/** A slice that has its claim: runs the job's code and ends the claim, in whichever way it ends. */
export class ClaimedSlice {
  readonly #deps: SliceDependencies;
  readonly #input: SliceInput;
  readonly #definition: AnyJob;
  readonly #seal: JobSeal;
  readonly #claim: string;
  readonly #saver: Saver;
  readonly #context = Context.current();
  /** The ledger turned out to be older than the job. */
  readonly #wentBack: string | undefined;
  /** The job's own code has begun. */
  #begun = false;

  constructor(
    deps: SliceDependencies,
    input: SliceInput,
    definition: AnyJob,
    seal: JobSeal,
    claimed: Pick<ClaimResult, 'epoch' | 'seq' | 'wentBack'> & { readonly claim: string },
  ) {
    this.#deps = deps;
    this.#input = input;
    this.#definition = definition;
    this.#seal = seal;
    this.#claim = claimed.claim;
    this.#wentBack = claimed.wentBack;
    const fence = { key: input.key, claim: claimed.claim, epoch: claimed.epoch };
    const stateVersion = definition.options.state?.version ?? 1;
    this.#saver = new Saver(deps.ledger, fence, claimed.seq, stateVersion, { seal, buildId: deps.buildId });
  }

  get seq(): number {
    return this.#saver.seq;
  }

  get progress(): Progress {
    return this.#saver.progress;
  }

  async run(stopping: AbortSignal): Promise<SliceOutcome> {
    try {
      // Nothing to undo, whatever is in its state.
      if (this.#input.mode === 'cancel' && !this.#definition.options.onCancel)
        return await this.#finish({ kind: 'cancelled' });
      if (this.#wentBack !== undefined) return await this.#tellWentBack(this.#wentBack);
      const load = () => loadCheckpoint(this.#deps.ledger, this.#input.key);
      const restored = this.#saver.restore(this.#definition, await this.#saver.whenLedgerIsBack(load));
      if (!restored.ok) return await this.#unrestorable(restored);
      const given = await this.#saver.whenLedgerIsBack(() =>
        inputOf(this.#deps.ledger, this.#deps.keyring, this.#input),
      );
      // Another state of its own would not mend it.
      if (!given.ok) return await this.#unrestorable(given, 'quarantine');
      return await this.#finish(await this.#work(restored.state, given.input, stopping));
    } catch (error) {
      if (error instanceof LedgerAway) return await this.#finish({ kind: 'ledgerAway' });
      throw await this.#fail(error);
    }
  }

  #work(state: unknown, given: unknown, stopping: AbortSignal): Promise<SliceEnd> {
    const input = parseInput(this.#definition, given);
    this.#begun = true;
    return runSlice({
      definition: this.#definition,
      mode: this.#input.mode,
      input,
      state,
      jobId: this.#context.info.workflowExecution!.workflowId,
      ledger: this.#deps.ledger,
      saver: this.#saver,
      stopping,
      cancelled: this.#context.cancellationSignal,
      log: this.#deps.log,
      idleTimeoutMs: this.#deps.idleInTransactionMs,
    });
  }

  async #finish(end: SliceEnd): Promise<SliceOutcome> {
    switch (end.kind) {
      case 'done':
        await this.#end('the job ended');
        return doneOutcome(this.seq, end.result);
      case 'yielded':
        return this.#yielded(end.reason);
      case 'cancelled':
        if (this.#input.mode === 'cancel') await this.#mark('cancelled', { words: 'cancelled' });
        // The worker's grace time was over, or the server gave this attempt up: an interruption like any other.
        if (this.#input.mode === 'run' && !this.#context.cancellationDetails?.cancelRequested)
          return this.#yielded('told to stop at once', this.#interrupted);
        if (this.#input.mode === 'run')
          await this.#unlessAway(() => markCancelling(this.#deps.ledger, this.#input.key, this.#claim));
        await this.#end('cancelled');
        if (this.#input.mode === 'cancel') return { kind: 'cancelled', seq: this.seq };
        throw new CancelledFailure('the job was cancelled');
      case 'fenced':
        // Confirms that this slice has stopped. Whoever fenced it has told the server; what is answered here is not heard.
        return this.#yielded('fenced, and stopped');
      case 'ledgerAway':
        return this.#untold('the ledger does not answer', this.#interrupted);
    }
  }

  /** What an interruption is: an atomic job that has begun is not to be begun again without a word. */
  get #interrupted(): 'released' | 'lost' {
    return this.#begun && this.#definition.atomicMs !== undefined ? 'lost' : 'released';
  }

  /** Stepped aside. */
  async #yielded(reason: string, as: 'released' | 'lost' = 'released'): Promise<SliceOutcome> {
    const told = await this.#end(reason, as);
    return told ? { kind: 'yielded', seq: this.seq, reason } : this.#untold(reason, as);
  }

  /** The ledger does not know: the workflow tells the next slice that this claim has ended, or this worker that it is lost. */
  #untold(reason: string, as: 'released' | 'lost'): SliceOutcome {
    if (as === 'lost') this.#deps.running.keepAsLost(this.#claim);
    return { kind: 'yielded', seq: this.seq, reason, ...(as === 'released' && { stopped: this.#claim }) };
  }

  /** The workflow hears of it before the job goes on. */
  #tellWentBack(reason: string): Promise<SliceOutcome> {
    this.#deps.log.warn(
      { job: this.#definition.name, key: this.#input.key, reason },
      'a job goes on from an earlier checkpoint',
    );
    return this.#ended({ kind: 'wentBack', reason });
  }

  async #unrestorable(
    found: NotOpened,
    onUnrestorable: OnUnrestorable = this.#definition.onUnrestorable,
  ): Promise<SliceOutcome> {
    const { key, claim, epoch } = this.#saver.fence;
    const { mode } = this.#input;
    const job = { definition: { ...this.#definition, onUnrestorable }, key, claim, epoch, mode, seal: this.#seal };
    return this.#ended(await this.#saver.whenLedgerIsBack(() => settleUnrestorable(this.#deps, job, found)));
  }

  async #ended(became: Became): Promise<SliceOutcome> {
    const told = await this.#end(became.kind === 'quarantined' ? 'quarantined' : 'its checkpoint cannot be restored');
    return told ? outcomeOf(became, this.seq) : this.#untold(became.reason, 'released');
  }

  #mark(state: 'waiting' | 'failed' | 'cancelled', reason: Reason): Promise<boolean> {
    const text = forLedger(reason, this.#seal);
    return this.#unlessAway(() => markJob(this.#deps.ledger, this.#input.key, this.#claim, state, text));
  }

  async #fail(error: unknown): Promise<unknown> {
    if (error instanceof CancelledFailure) return error;
    const readable = readableError(error);
    const { message } = readable;
    const seq = this.seq;
    const before = seq > this.#input.seq ? 0 : this.#input.failures;
    const { failures, again } = afterFailure(this.#definition.retry, before, isRetryable(error));
    this.#deps.log.warn(
      { err: readable, job: this.#definition.name, key: this.#input.key, failures, again },
      'the job failed',
    );
    await this.#mark(again ? 'waiting' : 'failed', { detail: message.slice(0, LONGEST_REASON) });
    await this.#end('the job failed');
    const details: JobFailureDetails = {
      seq,
      failures,
      ...(again && { retryAfterMs: backoffMs(this.#definition.retry, failures) }),
    };
    return ApplicationFailure.create({
      message,
      type: error instanceof LockkeeperError ? error.code : 'JOB_FAILED',
      nonRetryable: true,
      details: [details],
      ...(error instanceof Error && { cause: readable }),
    });
  }

  /** Ends the claim and owes the drain signal if it was the last one. A ledger that is away is told later, by the worker. */
  #end(reason: string, as: 'released' | 'lost' = 'released'): Promise<boolean> {
    return this.#unlessAway(async () => {
      const ended = await endClaim(this.#deps.ledger, this.#claim, as, reason);
      await failpoint('slice.released');
      if (ended.drained) await signalDrained(this.#deps.client, ended.drained, this.#deps.log);
    });
  }

  /** False: the ledger is away, and was not told. */
  async #unlessAway(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      this.#deps.log.warn(
        { err: error, claim: this.#claim },
        'the ledger could not be told; it will be when it is back',
      );
      return false;
    }
  }
}

/** A large result stays in the ledger. */
export function doneOutcome(seq: number, result: unknown): SliceOutcome {
  const size = Buffer.byteLength(JSON.stringify(result) ?? '');
  return size > RESULT_IN_TEMPORAL_BYTES ? { kind: 'done', seq, inLedger: true } : { kind: 'done', seq, result };
}
