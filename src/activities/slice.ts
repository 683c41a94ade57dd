import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { LEDGER_PATIENCE, PARK_FOR, SLICE_HEARTBEAT_EVERY } from '../defaults.ts';
import { JobSeal } from '../crypto/job-seal.ts';
import { failpoint, failpointSoon } from '../failpoints.ts';
import type { AnyJob } from '../jobs/define-job.ts';
import { ownerOf } from '../jobs/owner.ts';
import { openResult } from '../jobs/state.ts';
import { claimSlice } from '../ledger/claims.ts';
import type { ClaimResult } from '../ledger/claims.ts';
import { loadCheckpoint } from '../ledger/checkpoints.ts';
import { markGivenUp } from '../ledger/mark-job.ts';
import { isConnectionError } from '../ledger/sql-errors.ts';
import type { ReleaseChoice, SliceInput, SliceOutcome } from '../protocol.ts';
import { ClaimedSlice, doneOutcome } from './claimed-slice.ts';
import type { SliceDependencies } from './slice-dependencies.ts';
import { outcomeOf, settleUnrestorable } from './unrestorable.ts';

/** The activity that runs one slice of any job: claim, run, step aside or end. */
export function createSliceActivity(deps: SliceDependencies) {
  return {
    async slice(input: SliceInput): Promise<SliceOutcome> {
      const outcome = await new SliceRun(deps, input).run();
      failpointSoon('slice.completed');
      return outcome;
    },
  };
}

class SliceRun {
  readonly #deps: SliceDependencies;
  readonly #input: SliceInput;
  readonly #context = Context.current();
  readonly #seal: JobSeal;
  #claim = randomUUID();
  #claimed: ClaimedSlice | undefined;

  constructor(deps: SliceDependencies, input: SliceInput) {
    this.#deps = deps;
    this.#input = input;
    this.#seal = new JobSeal(deps.keyring, input.key);
  }

  /** Fires when this slice is not to wait any longer. */
  get #giveWay(): AbortSignal {
    return AbortSignal.any([this.#context.cancellationSignal, this.#deps.running.shutdown]);
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
      if (isConnectionError(error) && !this.#claimed) {
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
    this.#context.heartbeat({ seq: this.#claimed?.seq ?? this.#input.seq, ...this.#claimed?.progress });
  }

  async #claimAndRun(definition: AnyJob): Promise<SliceOutcome> {
    for (;;) {
      // Without its lock this worker counts as dead, and whatever it began would be taken from it.
      const held = await this.#deps.session.whenHeld(LEDGER_PATIENCE, this.#giveWay);
      if (this.#deps.running.stopping) return { kind: 'refused', refusal: 'workerStopping' };
      if (!held) return { kind: 'yielded', seq: this.#input.seq, reason: 'the ledger does not answer' };
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
      const open = await this.#deps.gates.whenOpen(this.#taskQueue, PARK_FOR, this.#giveWay);
      if (!open) return { kind: 'refused', refusal: 'gateClosed' };
    }
  }

  /** Undefined: the gate is closed. */
  async #tryOnce(definition: AnyJob, stopping: AbortSignal): Promise<SliceOutcome | undefined> {
    const claimed = await this.#claimOnce(definition);
    switch (claimed.verdict) {
      case 'claimed':
        await failpoint('slice.claimed');
        this.#claimed = new ClaimedSlice(this.#deps, this.#input, definition, this.#seal, {
          claim: this.#claim,
          ...claimed,
        });
        return this.#claimed.run(stopping);
      case 'ended':
        return this.#endedBefore(definition, claimed);
      case 'behind':
      case 'quarantined':
        return {
          kind: 'quarantined',
          seq: claimed.seq,
          reason: this.#seal.openText(claimed.reason ?? 'unknown', 'reason'),
        };
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
      lossesAllowed: definition.lossesAllowed,
      onUnrestorable: this.#input.mode === 'cancel' ? 'quarantine' : definition.onUnrestorable,
      owner: ownerOf(this.#input.owner),
      cancelling: this.#input.mode === 'cancel',
    });
  }

  /** A slice that ran before has saved the result and was interrupted before it could say so. */
  async #endedBefore(definition: AnyJob, { reason, seq, epoch }: ClaimResult): Promise<SliceOutcome> {
    if (reason === 'cancelled') return { kind: 'cancelled', seq };
    const { key, mode } = this.#input;
    // Nobody asks for its result.
    if (mode === 'cancel') return { kind: 'done', seq };
    const seal = this.#seal;
    const opened = openResult(await loadCheckpoint(this.#deps.ledger, key), seal);
    if (opened.ok) return doneOutcome(seq, opened.result);
    const job = { definition, key, claim: undefined, epoch, mode, seal };
    return outcomeOf(await settleUnrestorable(this.#deps, job, opened), seq);
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
