import { LockkeeperError, isLockkeeperError } from '../errors.ts';

interface Part<T> {
  readonly start: () => Promise<T> | T;
  /** When the other one could not be had. */
  readonly undo?: (started: T) => Promise<void>;
}

/** Starts both side by side; when both fail, both say why in one error of the first one's code. */
export async function allOrErrors<A, B>(first: Part<A>, second: Part<B>): Promise<[A, B]> {
  const begin = <T>(part: Part<T>) => Promise.resolve().then(() => part.start());
  const [a, b] = await Promise.allSettled([begin(first), begin(second)]);
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value];
  if (a.status === 'fulfilled') await first.undo?.(a.value);
  if (b.status === 'fulfilled') await second.undo?.(b.value);
  const errors = [a, b].flatMap((part) => (part.status === 'rejected' ? [part.reason as unknown] : []));
  throw together(errors);
}

function together(errors: readonly unknown[]): unknown {
  const [first, second] = errors;
  // One cause, seen from two sides.
  const same = first instanceof Error && second instanceof Error && first.message === second.message;
  if (errors.length < 2 || same || !isLockkeeperError(first) || !isLockkeeperError(second)) return first;
  const lines = [first, second].map(({ message, code }) => `${message} [${code}]`);
  return new LockkeeperError(first.code, `2 things are wrong\n${lines.join('\n')}`, { cause: first });
}
