import { blockingJobs } from '../../ledger/blocking-jobs.ts';
import type { BlockingJobs } from '../../ledger/blocking-jobs.ts';
import type { Ledger } from '../../ledger/pool.ts';

/** How often the ledger is asked at most, milliseconds. */
const ASK_EVERY = 1_000;
/** Jobs named of each queue. */
const NAMED = 3;

/** Which jobs hold up a drain, for as long as somebody looks; nothing where there is no ledger to ask. */
export class Blockers {
  readonly #ledger: Ledger | undefined;
  #found: readonly BlockingJobs[] = [];
  #askedAt = -ASK_EVERY;
  #asking: Promise<void> | undefined;

  constructor(ledger: Ledger | undefined) {
    this.#ledger = ledger;
  }

  /** What is known now of these queues; asks again in the background. */
  of(taskQueues: readonly string[]): readonly BlockingJobs[] {
    if (taskQueues.length === 0) return [];
    if (this.#ledger && !this.#asking && performance.now() - this.#askedAt >= ASK_EVERY) {
      this.#asking = this.#ask(this.#ledger, taskQueues);
    }
    return this.#found.filter((one) => taskQueues.includes(one.taskQueue));
  }

  /** Nothing is being asked any more. */
  async settled(): Promise<void> {
    await this.#asking;
  }

  async #ask(ledger: Ledger, taskQueues: readonly string[]): Promise<void> {
    try {
      this.#found = await blockingJobs(ledger, taskQueues, NAMED);
    } catch {
      // It is away, or this is no ledger: then nothing is known, and nobody is named who may have stopped long ago.
      this.#found = [];
    }
    this.#askedAt = performance.now();
    this.#asking = undefined;
  }
}

/** `imports: import-7, import-9 and 3 more`. */
export function describeBlockers(taskQueue: string, found: readonly BlockingJobs[]): string {
  const blocking = found.find((one) => one.taskQueue === taskQueue);
  if (!blocking) return taskQueue;
  const more = blocking.total - blocking.jobs.length;
  return `${taskQueue}: ${blocking.jobs.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
