import { AssertionError } from 'node:assert';
import { LockkeeperError } from '../errors.ts';

/**
 * What happens to the job, and at which of its checkpoints. They are numbered from 1 as the job reaches them, over the whole
 * run: after an interruption the count goes on. A checkpoint that the job does not reach is an error of the test.
 */
export interface Disturbances {
  /**
   * Planned, as by a deploy or SIGTERM: `job.stopping` fires while the job is on its way to this checkpoint. There its state is
   * saved, its `finally` blocks run, and a new slice goes on. `'each'`: at every checkpoint.
   */
  readonly interruptAt?: number | readonly number[] | 'each';
  /**
   * Unplanned, as by SIGKILL: the process is gone the moment before this checkpoint is saved. No `finally` runs, a
   * transaction is rolled back, and a new slice goes on from what had been saved. The job's end counts as one checkpoint more.
   */
  readonly killAt?: number | readonly number[];
  /** The job's own code throws right after this checkpoint, which is kept; the retry goes on from it. */
  readonly failAt?: number | readonly number[];
  /** Cancelled: `job.cancellationSignal` fires on the way to this checkpoint, where the job ends; then its `onCancel` runs. */
  readonly cancelAt?: number;
}

export type Disturbance = keyof Disturbances;

/** What is yet to happen in one run. */
export class Script {
  readonly #planned = new Map<number, Disturbance>();
  readonly #each: boolean;

  /** @throws {LockkeeperError} USAGE for what is not a checkpoint's number, or one that is named twice */
  constructor(disturbances: Disturbances) {
    const { interruptAt, killAt, failAt, cancelAt } = disturbances;
    this.#each = interruptAt === 'each';
    for (const [what, at] of Object.entries({ interruptAt, killAt, failAt, cancelAt })) {
      if (at === undefined || at === 'each') continue;
      for (const n of [at].flat()) this.#plan(what as Disturbance, n);
    }
  }

  #plan(what: Disturbance, n: number): void {
    if (!Number.isInteger(n) || n < 1)
      throw new LockkeeperError('USAGE', `${what}: ${JSON.stringify(n)} is no checkpoint`, {
        next: 'Checkpoints are counted from 1',
      });
    const other = this.#planned.get(n);
    if (other !== undefined)
      throw new LockkeeperError('USAGE', `checkpoint ${n} stands in ${other} and in ${what}`, {
        next: 'One thing happens at a checkpoint: use two runs, or another number',
      });
    this.#planned.set(n, what);
  }

  at(n: number): Disturbance | undefined {
    return this.#planned.get(n) ?? (this.#each ? 'interruptAt' : undefined);
  }

  happened(n: number): void {
    this.#planned.delete(n);
  }

  /** A test whose disturbance did not happen shows nothing. */
  assertAllHappened(job: string, reached: number): void {
    for (const [n, what] of this.#planned) {
      throw new AssertionError({
        message:
          `${what} ${n} did not happen: job ${job} had ended after ${reached} ${reached === 1 ? 'checkpoint' : 'checkpoints'}. ` +
          'Choose an earlier one, or an input with more work',
        actual: reached,
        expected: n,
        operator: what,
      });
    }
  }
}
