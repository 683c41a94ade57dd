import { createHmac, hkdfSync } from 'node:crypto';
import { KEY_BYTES } from './keyring.ts';
import type { Key, Keyring } from './keyring.ts';

const KEYED = /^keyed:([^:]+):/;

/**
 * A hash by which equal inputs are recognized, that stands where everybody reads it: with a keyring it tells only its holders
 * which input it is of.
 */
export function keyedHash(keyring: Keyring | undefined, hash: string): string {
  return keyring ? withKey(keyring.current, hash) : hash;
}

/**
 * Whether it is the hash of the same, also when another key was the current one then, or none.
 * @throws {LockkeeperError} KEY_MISSING
 */
export function isHashOf(keyring: Keyring | undefined, theirs: string, hash: string): boolean {
  const id = KEYED.exec(theirs)?.[1];
  if (id === undefined || !keyring) return theirs === hash;
  return withKey(keyring.get(id), hash) === theirs;
}

function withKey(key: Key, hash: string): string {
  const secret = Buffer.from(hkdfSync('sha256', key.secret(), '', 'lockkeeper hash', KEY_BYTES));
  return `keyed:${key.id}:${createHmac('sha256', secret).update(hash).digest('hex')}`;
}
