import { LockkeeperError } from '../errors.ts';
import { EXIT, exitCodeOfSignal } from './exit-codes.ts';
import type { Stop } from './signals.ts';

export interface FollowOptions {
  readonly json?: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** What somebody waits for. */
export interface Awaited {
  /** `job` or `graph`. */
  readonly kind: string;
  readonly id: string;
  /** Shows how it gets on, until it has ended or the signal fires. */
  readonly show: (leave: AbortSignal) => Promise<void>;
  /** Prints how it ended. */
  readonly end: () => Promise<number>;
}

/** Waits for an end as long as somebody wants to: gone with a signal, a timeout, or when nobody reads any more. */
export async function untilEnd(awaited: Awaited, options: FollowOptions, stop: Stop): Promise<number> {
  const givenUp = new AbortController();
  const timer = options.timeout === undefined ? undefined : setTimeout(() => givenUp.abort('timeout'), options.timeout);
  // Once: a stream that is closed says so at every write.
  for (const stream of [process.stdout, process.stderr]) stream.once('error', () => givenUp.abort('nobody reads'));
  try {
    await awaited.show(AbortSignal.any([stop.signal, givenUp.signal]));
  } finally {
    clearTimeout(timer);
  }
  const by = stop.by();
  if (by) return exitCodeOfSignal(by);
  if (givenUp.signal.reason === 'timeout') throw timedOut(awaited, options.timeout!);
  if (givenUp.signal.aborted) return EXIT.ok;
  return awaited.end();
}

const timedOut = ({ kind, id }: Awaited, ms: number) =>
  new LockkeeperError('TIMED_OUT', `${kind} ${id} has not ended within ${ms / 1000} s; it goes on without us`, {
    next: `See \`lockkeeper ${kind} show ${id}\``,
  });
