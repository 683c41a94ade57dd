import { SAVES_TOGETHER, SAVES_TOGETHER_BYTES, SAVES_WAIT_AT_MOST } from '../defaults.ts';
import { saveCheckpoint, saveCheckpoints } from './checkpoints.ts';
import type { Fence, NewCheckpoint, PlainSave, SaveOutcome } from './checkpoints.ts';
import type { Queryable } from './pool.ts';
import { isConnectionError } from './sql-errors.ts';

interface Asked extends PlainSave {
  readonly answer: (saved: boolean | Promise<boolean>) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Group commit of plain saves: a save goes out at once, and what is asked for while one is under way goes together as the next.
 * Whatever becomes of one is not the others' concern.
 */
export class SaveBatches {
  readonly #pool: Queryable;
  readonly #waiting: Asked[] = [];
  #writing = false;

  constructor(pool: Queryable) {
    this.#pool = pool;
  }

  /**
   * Saves a checkpoint. False: refused; the claim was fenced, or `seq` is not the number after the last one. Rejects as the query
   * did: after a lost connection it may have been saved.
   */
  save(fence: Fence, checkpoint: NewCheckpoint): Promise<boolean> {
    if (checkpoint.ciphertext.length > SAVES_TOGETHER_BYTES) return saveCheckpoint(this.#pool, fence, checkpoint);
    return new Promise((answer, fail) => {
      this.#waiting.push({ fence, checkpoint, answer, fail });
      this.#next();
    });
  }

  #next(): void {
    if (this.#writing || this.#waiting.length === 0) return;
    this.#writing = true;
    let over = false;
    const goOn = () => {
      if (over) return;
      over = true;
      clearTimeout(late);
      this.#writing = false;
      this.#next();
    };
    const late = setTimeout(goOn, SAVES_WAIT_AT_MOST);
    void this.#write(this.#take()).then(goOn);
  }

  #take(): Asked[] {
    let bytes = 0;
    const tooMany = this.#waiting.findIndex(({ checkpoint }, i) => {
      bytes += checkpoint.ciphertext.length;
      return i === SAVES_TOGETHER || bytes > SAVES_TOGETHER_BYTES;
    });
    return this.#waiting.splice(0, tooMany === -1 ? this.#waiting.length : tooMany);
  }

  /** Never rejects: each save has its own answer. */
  async #write(batch: readonly Asked[]): Promise<void> {
    const outcomes = await saveCheckpoints(this.#pool, batch).catch((error: unknown): SaveOutcome[] | undefined => {
      // One of them cannot be saved: which, each finds out alone.
      if (batch.length > 1 && !isConnectionError(error)) return batch.map(() => 'busy');
      for (const { fail } of batch) fail(error);
      return undefined;
    });
    outcomes?.forEach((outcome, i) => {
      const { fence, checkpoint, answer } = batch[i]!;
      answer(outcome === 'busy' ? saveCheckpoint(this.#pool, fence, checkpoint) : outcome === 'saved');
    });
  }
}
