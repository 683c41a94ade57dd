import { STATE_LIMIT_BYTES } from '../defaults.ts';
import { LockkeeperError } from '../errors.ts';

/** A result may have a form of its own in JSON, as a Date has: whoever reads it reads JSON. A state comes back to the job. */
export type Encoded = 'the state' | 'the initial state' | 'the result';

/** JSON would leave these out, or write something else in their place, and the job would go on with a state it never had. */
function refuseUnfit(this: unknown, what: Encoded, key: string, given: unknown): unknown {
  // JSON hands over what `toJSON` made of a value, a string for a Date: what was there is still in its holder.
  const value = (this as Record<string, unknown>)[key];
  const unfit = nameOfUnfit(value) ?? (what === 'the result' ? undefined : nameOfClass(value));
  if (unfit === undefined) return given;
  throw new TypeError(key === '' ? `it is ${unfit}` : `it holds ${unfit} at ${JSON.stringify(key)}`);
}

function nameOfUnfit(value: unknown): string | undefined {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') return `a ${typeof value}`;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : String(value);
  return value instanceof Map || value instanceof Set ? `a ${value.constructor.name}` : undefined;
}

/** A job would be given back something else than it yielded, and would only notice after an interruption. */
function nameOfClass(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // By its looks, not by identity: test runners give the code under test globals of its own.
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return undefined;
  return `a ${value.constructor?.name || 'value with a class'}`;
}

/**
 * The bytes of a state or result.
 * @throws {LockkeeperError} STATE_INVALID when JSON cannot hold it, STATE_TOO_LARGE above 8 MiB
 */
export function encodeState(value: unknown, what: Encoded): Buffer {
  let text: string;
  try {
    text = JSON.stringify(value === undefined ? null : value, function (this: unknown, key: string, given: unknown) {
      return refuseUnfit.call(this, what, key, given);
    });
  } catch (error) {
    throw new LockkeeperError('STATE_INVALID', `${what} cannot be written as JSON: ${(error as Error).message}`, {
      next: 'Keep only plain objects, arrays, strings, finite numbers, booleans and null in it',
      cause: error,
    });
  }
  const bytes = Buffer.from(text);
  if (bytes.length > STATE_LIMIT_BYTES) {
    throw new LockkeeperError(
      'STATE_TOO_LARGE',
      `${what} has ${bytes.length} bytes of JSON, at most ${STATE_LIMIT_BYTES} are possible`,
      {
        next: 'Keep a place in it (a row number, a cursor), not the data',
      },
    );
  }
  return bytes;
}
