import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../../src/errors.ts';

export interface EventuallyOptions {
  /** Milliseconds. */
  readonly within?: number;
  readonly every?: number;
}

/**
 * Tries until `attempt` does not throw, and returns what it returns. When the time is over, also of an attempt that does
 * not end, the error of the last attempt is the cause.
 * @example await eventually(async () => expect(await countRows()).toBe(3), { within: 5_000 });
 */
export async function eventually<T>(attempt: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { within = 10_000, every = 20 } = options;
  const until = performance.now() + within;
  let last: unknown;
  for (let overdue = false; ;) {
    try {
      return await inTime(
        Promise.resolve().then(attempt),
        Math.max(1, until - performance.now()),
        'an attempt did not end',
      );
    } catch (error) {
      overdue = error instanceof Overdue;
      last = overdue ? (last ?? error) : error;
    }
    // A timer may fire a moment early: that the time is over is what `inTime` says.
    if (overdue || performance.now() >= until) {
      throw new Error(`not within ${within} ms: ${errorMessage(last)}`, { cause: last });
    }
    await delay(every);
  }
}

class Overdue extends Error {}

/** The same promise, or an error when it takes longer. */
export async function inTime<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Overdue(`${what} within ${Math.round(ms)} ms`)), ms);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the promise is still open after everything that could settle it at once has run. */
export async function isPending(work: Promise<unknown>, ms = 100): Promise<boolean> {
  return Promise.race([
    work.then(
      () => false,
      () => false,
    ),
    delay(ms, true),
  ]);
}
