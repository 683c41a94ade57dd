import { setImmediate as nextTurn } from 'node:timers/promises';
import { CHECKPOINT_EVERY } from '../defaults.ts';
import { LockkeeperError, isLockkeeperError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Ledger } from '../ledger/pool.ts';
import type { AnyJob } from './define-job.ts';
import { SAVED } from './job.ts';
import type { Job, Steps } from './job.ts';
import type { Saver } from './saver.ts';
import { Transactions } from './transaction.ts';

export type SliceEnd =
  | { readonly kind: 'done'; readonly result: unknown }
  /** Stepped aside at a yield; everything yielded is saved. */
  | { readonly kind: 'yielded'; readonly reason: string }
  /** The job was cancelled, or this slice was given up by others; nothing more may be done. */
  | { readonly kind: 'cancelled' }
  /** The claim was taken away. */
  | { readonly kind: 'fenced' }
  /** The ledger stayed away. */
  | { readonly kind: 'ledgerAway' };

export interface SliceSetting {
  readonly definition: AnyJob;
  /** `cancel` runs the job's `onCancel` instead of its `run`. */
  readonly mode: 'run' | 'cancel';
  readonly input: unknown;
  readonly state: unknown;
  readonly jobId: string;
  readonly ledger: Ledger;
  readonly saver: Saver;
  /** Aborts when a drain or shutdown begins; its reason is a string for people. */
  readonly stopping: AbortSignal;
  readonly cancelled: AbortSignal;
  readonly log: Logger;
  readonly idleTimeoutMs: number;
  /** Called by `job.progress`. */
  readonly onProgress?: () => void;
}

/**
 * A state that was yielded is what will be saved: changing it in place would save what was never yielded, so it throws.
 * What is frozen already is not looked into again.
 */
function frozen(state: unknown): unknown {
  if (typeof state !== 'object' || state === null || Object.isFrozen(state) || ArrayBuffer.isView(state)) return state;
  Object.values(state).forEach(frozen);
  return Object.freeze(state);
}

/** A job that never leaves the microtask queue would keep heartbeats and signals from being heard. */
const LONGEST_TURN_MS = 10;

/**
 * Runs a job's code until it ends or steps aside. What it throws is the failure of the job's own code.
 * A checkpoint is the only place where it can be interrupted.
 */
export async function runSlice(setting: SliceSetting): Promise<SliceEnd> {
  const slice = new Slice(setting);
  try {
    return await slice.run();
  } catch (error) {
    const lost = slice.lost;
    if (lost) return lost;
    throw error;
  }
}

class Slice {
  readonly #s: SliceSetting;
  readonly #transactions: Transactions<unknown>;
  #state: unknown;
  /** Yielded, not written yet. */
  #dirty = false;
  #writtenAt = performance.now();
  #turnBegan = performance.now();

  constructor(setting: SliceSetting) {
    this.#s = setting;
    this.#state = frozen(setting.state);
    this.#transactions = new Transactions(setting.ledger, setting.saver, setting.idleTimeoutMs, (state) =>
      this.#adopt(state),
    );
  }

  /** The slice can write nothing more, whatever the job's own code makes of the error that told it so. */
  get lost(): SliceEnd | undefined {
    if (this.#s.saver.fenced) return { kind: 'fenced' };
    return this.#s.saver.away ? { kind: 'ledgerAway' } : undefined;
  }

  async run(): Promise<SliceEnd> {
    const steps = this.#begin();
    if (!steps) return { kind: 'cancelled' };
    try {
      return await this.#iterate(steps);
    } catch (error) {
      // Whatever was yielded before the error is a safe point and is kept, so that the retry goes on from there.
      await this.#flush().catch((failed: unknown) =>
        this.#s.log.warn({ err: failed }, 'the last checkpoint could not be saved'),
      );
      throw error;
    } finally {
      await this.#release(steps);
    }
  }

  async #iterate(steps: Steps<unknown, unknown>): Promise<SliceEnd> {
    const { saver, mode } = this.#s;
    for (;;) {
      const step = await steps.next();
      this.#transactions.assertAllIterated();
      if (this.lost) return this.lost;
      if (step.done && mode === 'cancel') {
        await this.#flush();
        return { kind: 'cancelled' };
      }
      if (step.done) {
        await saver.save('done', step.value);
        return { kind: 'done', result: step.value };
      }
      if (step.value !== SAVED) await this.#yielded(step.value);
      const end = this.#interruption();
      if (end) {
        await this.#stepAside(steps, end);
        return end;
      }
      await this.#breathe();
    }
  }

  #begin(): Steps<unknown, unknown> | undefined {
    const { definition, input, mode } = this.#s;
    const { options } = definition;
    const job = this.#job();
    return mode === 'cancel' ? options.onCancel?.(job, input) : options.run(job, input);
  }

  #job(): Job<unknown> {
    const { saver, onProgress } = this.#s;
    const now = () => this.#state as Readonly<unknown>;
    return {
      id: this.#s.jobId,
      get state() {
        return now();
      },
      stopping: this.#s.stopping,
      cancellationSignal: this.#s.cancelled,
      log: this.#s.log,
      progress(done, total, note) {
        saver.progress = { done, total, note };
        onProgress?.();
      },
      transaction: (body) => this.#transactions.transaction(body),
      statement: (text, values, next) => this.#transactions.statement(text, values, next),
    };
  }

  #adopt(state: unknown): void {
    this.#state = frozen(state);
    this.#dirty = false;
    this.#writtenAt = performance.now();
  }

  async #yielded(state: unknown): Promise<void> {
    if (!this.#s.definition.options.state) return;
    this.#state = frozen(state);
    this.#dirty = true;
    const every = this.#s.definition.checkpointEveryMs ?? CHECKPOINT_EVERY;
    if (performance.now() - this.#writtenAt >= every) await this.#flush();
  }

  async #flush(): Promise<void> {
    if (!this.#dirty || this.lost) return;
    await this.#s.saver.save('state', this.#state);
    this.#adopt(this.#state);
  }

  #interruption(): SliceEnd | undefined {
    if (this.#s.cancelled.aborted) return { kind: 'cancelled' };
    if (!this.#s.stopping.aborted || this.#s.definition.atomicMs !== undefined) return undefined;
    return { kind: 'yielded', reason: String(this.#s.stopping.reason) };
  }

  async #stepAside(steps: Steps<unknown, unknown>, end: SliceEnd): Promise<void> {
    // Saved first, so that a `finally` that throws or hangs loses nothing.
    await this.#flush();
    const last = await steps.return(undefined);
    if (!last.done) {
      throw new LockkeeperError(
        'YIELD_IN_FINALLY',
        'the job yielded inside a `finally` block while it was stepping aside',
        {
          next: 'A `finally` releases resources and runs at every interruption; checkpoints belong before it',
        },
      );
    }
    this.#s.log.debug({ end: end.kind }, 'stepped aside');
  }

  /** However the slice ends, the job's `finally` blocks run. A job that has ended is left as it is. */
  async #release(steps: Steps<unknown, unknown>): Promise<void> {
    try {
      await steps.return(undefined);
    } catch (error) {
      this.#s.log.warn({ err: error }, 'a `finally` of the job threw while its slice was given up');
    }
  }

  async #breathe(): Promise<void> {
    if (performance.now() - this.#turnBegan < LONGEST_TURN_MS) return;
    await nextTurn();
    this.#turnBegan = performance.now();
  }
}

/** Codes of errors that no further attempt can mend. */
const HOPELESS = [
  'STATE_INVALID',
  'STATE_TOO_LARGE',
  'TRANSACTION_NOT_ITERATED',
  'TRANSACTION_WITHOUT_SAVE',
  'TRANSACTION_NESTED',
  'YIELD_IN_FINALLY',
  'JOB_INPUT_INVALID',
] as const;

/** Whether another attempt of the job's own code may help. An error says otherwise by `nonRetryable: true`. */
export function isRetryable(error: unknown): boolean {
  if (HOPELESS.some((code) => isLockkeeperError(error, code))) return false;
  return !(typeof error === 'object' && error !== null && (error as { nonRetryable?: unknown }).nonRetryable === true);
}
