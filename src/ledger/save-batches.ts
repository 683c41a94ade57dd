import { SAVES_TOGETHER, SAVES_TOGETHER_BYTES, SAVES_WAIT_AT_MOST, SAVE_WRITES } from '../defaults.ts';
import { saveCheckpoint, saveCheckpoints, saveUnlessBusy } from './checkpoints.ts';
import type { Fence, NewCheckpoint, PlainSave, SaveOutcome } from './checkpoints.ts';
import type { Queryable } from './pool.ts';
import { isConnectionError } from './sql-errors.ts';

interface Asked extends PlainSave {
  readonly answer: (saved: boolean | Promise<boolean>) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Group commit of plain saves: a save goes out at once, and what is asked for while enough writes are under way goes together as
 * the next. Whatever becomes of one is not the others' concern.
 */
export class SaveBatches {
  readonly #pool: Queryable;
  readonly #waiting: Asked[] = [];
  #writing = 0;

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
    if (this.#writing === SAVE_WRITES || this.#waiting.length === 0) return;
    this.#writing += 1;
    let over = false;
    const goOn = () => {
      if (over) return;
      over = true;
      clearTimeout(late);
      this.#writing -= 1;
      this.#next();
    };
    const late = setTimeout(goOn, SAVES_WAIT_AT_MOST);
    const batch = this.#take();
    const outcomes = this.#write(batch);
    // First, so that the ledger is at work while the slices prepare what they save next.
    outcomes.then(goOn, goOn);
    void this.#answer(batch, outcomes);
  }

  #take(): Asked[] {
    let bytes = 0;
    const tooMany = this.#waiting.findIndex(({ checkpoint }, i) => {
      bytes += checkpoint.ciphertext.length;
      return i === SAVES_TOGETHER || bytes > SAVES_TOGETHER_BYTES;
    });
    return this.#waiting.splice(0, tooMany === -1 ? this.#waiting.length : tooMany);
  }

  async #write(batch: readonly Asked[]): Promise<readonly SaveOutcome[]> {
    const [first, ...others] = batch;
    // Alone it is cheaper by its own statement.
    if (first && others.length === 0) return [await saveUnlessBusy(this.#pool, first)];
    try {
      return await saveCheckpoints(this.#pool, batch);
    } catch (error) {
      // One of them cannot be saved: which, each finds out alone.
      if (!isConnectionError(error)) return batch.map(() => 'busy');
      throw error;
    }
  }

  async #answer(batch: readonly Asked[], written: Promise<readonly SaveOutcome[]>): Promise<void> {
    try {
      (await written).forEach((outcome, i) => {
        const { fence, checkpoint, answer } = batch[i]!;
        answer(outcome === 'busy' ? saveCheckpoint(this.#pool, fence, checkpoint) : outcome === 'saved');
      });
    } catch (error) {
      for (const { fail } of batch) fail(error);
    }
  }
}
