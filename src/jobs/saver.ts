import { setTimeout as delay } from 'node:timers/promises';
import { LEDGER_PATIENCE, TRANSACTION_TRIES } from '../defaults.ts';
import { LockkeeperError } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import { JobSeal } from '../crypto/job-seal.ts';
import { readHead, saveCheckpoint } from '../ledger/checkpoints.ts';
import type { Fence, LoadedCheckpoint, NewCheckpoint, Progress } from '../ledger/checkpoints.ts';
import { isConnectionError, isOverburdened, isRetryableTransaction } from '../ledger/sql-errors.ts';
import type { Ledger, Queryable } from '../ledger/pool.ts';
import type { AnyJob } from './define-job.ts';
import { encodeState } from './encode-state.ts';
import { KnownPlace } from './known-place.ts';
import { restoreSaved } from './state.ts';
import type { Restored } from './state.ts';

/** The ledger stayed away for longer than a slice waits: an interruption, not a failure. */
export class LedgerAway extends Error {
  override readonly name = 'LedgerAway';
}

/** What became of a save whose reply was lost. */
export type Doubt = 'saved' | 'notSaved';

/** Pause between two looks at a ledger that is away, milliseconds. */
const RETRY_EVERY = 200;

export interface SaverOptions {
  /** How what is saved is encrypted; not at all unless given. */
  readonly seal?: JobSeal;
  /** Of the worker that saves. */
  readonly buildId?: string;
  /** How long a ledger that is away is waited for, milliseconds. */
  readonly patienceMs?: number | undefined;
}

/** Writes the numbered checkpoints of one slice under its claim. */
export class Saver {
  readonly fence: Fence;
  seq: number;
  /** The claim no longer holds the job: nothing more may be done under it. */
  fenced = false;
  /** The ledger stayed away for too long: the slice ends here, whatever the job's own code makes of the error. */
  away = false;
  progress: Progress = {};
  readonly #ledger: Ledger;
  readonly #stateVersion: number;
  readonly #seal: JobSeal;
  readonly #buildId: string;
  readonly #patienceMs: number;
  /** The last note, and what stands for it in the ledger. */
  #note = { text: '', sealed: '' };
  #known: KnownPlace | undefined;

  constructor(ledger: Ledger, fence: Fence, seq: number, stateVersion: number, options: SaverOptions = {}) {
    this.#ledger = ledger;
    this.fence = fence;
    this.seq = seq;
    this.#stateVersion = stateVersion;
    this.#seal = options.seal ?? new JobSeal(undefined, fence.key);
    this.#buildId = options.buildId ?? 'dev';
    this.#patienceMs = options.patienceMs ?? LEDGER_PATIENCE;
  }

  /** The state that the slice begins with. */
  restore(definition: AnyJob, row: LoadedCheckpoint | undefined | 'missing'): Restored {
    const restored = restoreSaved(definition, row, this.#seal);
    if (restored.ok && row !== undefined && row !== 'missing') this.#goesOnFrom(row);
    return restored;
  }

  /** What another version or key has written, or is not the last one, is to be written again. */
  #goesOnFrom(row: LoadedCheckpoint): void {
    if (row.seq !== this.seq || row.stateVersion !== this.#stateVersion || row.keyId !== this.#seal.keyId) return;
    const { note, ...counted } = row.progress;
    const progress = { ...counted, note: note && this.#seal.openText(note, 'note') };
    this.#known = new KnownPlace(this.#seal.open(row, row), progress);
  }

  /**
   * The next checkpoint, encrypted and not written yet. Throws when the value cannot be one, before anything is lost.
   * @throws {LockkeeperError} STATE_INVALID, STATE_TOO_LARGE
   */
  next(kind: 'state' | 'done', value: unknown, withEffect = false): NewCheckpoint {
    return this.#sealed(kind, encode(kind, value), withEffect);
  }

  #sealed(kind: 'state' | 'done', bytes: Buffer, withEffect: boolean): NewCheckpoint {
    const as = { seq: this.seq + 1, kind, stateVersion: this.#stateVersion };
    const sealed = this.#seal.seal(bytes, as);
    return { ...as, ...sealed, buildId: this.#buildId, withEffect, progress: this.#sealedProgress() };
  }

  #sealedProgress(): Progress {
    const { note, ...counted } = this.progress;
    if (note === undefined) return counted;
    if (note !== this.#note.text) this.#note = { text: note, sealed: this.#seal.sealText(note, 'note') };
    return { ...counted, note: this.#note.sealed };
  }

  /** Writes in the caller's transaction, which no other save shares; the caller calls {@link committed} after its COMMIT. False: refused. */
  write(db: Queryable, checkpoint: NewCheckpoint): Promise<boolean> {
    return saveCheckpoint(db, this.fence, checkpoint);
  }

  committed(): void {
    this.seq += 1;
    this.#known = undefined;
  }

  /**
   * Saves by itself, as often as the connection breaks, and never twice. The place and progress that the ledger has already are
   * not written again: the next number would say that the job had moved, and nothing would end one that only fails there.
   */
  async save(kind: 'state' | 'done', value: unknown): Promise<void> {
    const bytes = encode(kind, value);
    if (kind === 'state' && this.#known?.has(bytes, this.progress)) return;
    const { progress } = this;
    await this.#write(this.#sealed(kind, bytes, false));
    this.#known = new KnownPlace(bytes, progress);
  }

  async #write(next: NewCheckpoint): Promise<void> {
    let until = Infinity;
    for (let tries = 1; ; tries += 1) {
      try {
        if (await this.#ledger.saves.save(this.fence, next)) {
          await failpoint('slice.saved');
          break;
        }
        // Refused: fenced, unless an earlier try of this very save had been committed after all.
        if ((await this.resolveDoubt()) === 'saved') return;
        throw this.refuse();
      } catch (error) {
        // Undone because of others, where every transaction is serializable by the database's own setting.
        if (isRetryableTransaction(error) && tries < TRANSACTION_TRIES) continue;
        // The job's own code has no part in it.
        if (!isConnectionError(error) && !isOverburdened(error)) throw error;
        until = Math.min(until, Date.now() + this.#patienceMs);
        if ((await this.resolveDoubt()) === 'saved') return;
        // The ledger answers, and this save is never answered: another worker may have more luck with it.
        if (Date.now() >= until) throw this.giveUp(error);
        await delay(RETRY_EVERY);
      }
    }
    this.committed();
  }

  /**
   * After a lost connection the row is read again: was the save under way committed?
   * @throws {LockkeeperError} FENCED; {@link LedgerAway}
   */
  async resolveDoubt(): Promise<Doubt> {
    const head = await this.whenLedgerIsBack(() => readHead(this.#ledger, this.fence.key));
    if (head?.claim !== this.fence.claim || head.epoch !== this.fence.epoch) throw this.refuse();
    if (head.seq === this.seq + 1) {
      this.committed();
      return 'saved';
    }
    if (head.seq === this.seq) return 'notSaved';
    throw this.refuse();
  }

  refuse(): LockkeeperError {
    this.fenced = true;
    return new LockkeeperError(
      'FENCED',
      `claim ${this.fence.claim} no longer holds its job: another slice took over, or a drain gave it up`,
      {
        next: 'Nothing that this slice still writes counts; the job goes on elsewhere from its last checkpoint',
      },
    );
  }

  /** An interruption: the slice waits for the ledger no longer. */
  giveUp(cause: unknown): LedgerAway {
    this.away = true;
    return new LedgerAway('the ledger does not answer', { cause });
  }

  /** Asks until the ledger answers; gives up after the slice's patience. */
  async whenLedgerIsBack<T>(ask: () => Promise<T>): Promise<T> {
    const until = Date.now() + this.#patienceMs;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!isConnectionError(error)) throw error;
        if (Date.now() >= until) throw this.giveUp(error);
        await delay(RETRY_EVERY);
      }
    }
  }
}

const encode = (kind: 'state' | 'done', value: unknown): Buffer =>
  encodeState(value, kind === 'done' ? 'the result' : 'the state');
