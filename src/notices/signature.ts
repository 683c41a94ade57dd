import { createHmac } from 'node:crypto';
import { LockkeeperError } from '../errors.ts';

const PREFIX = 'whsec_';
/** As Standard Webhooks wants it, bytes. */
const SHORTEST = 24;

/**
 * The keys in a variable: `whsec_` and base64, as every library of Standard Webhooks reads it; several, with spaces between,
 * while one takes the place of another.
 * @throws {LockkeeperError} CONFIG_INVALID, which never shows the value
 */
export function signingKeys(variable: string, value: string): Buffer[] {
  const keys = value
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => (word.startsWith(PREFIX) ? Buffer.from(word.slice(PREFIX.length), 'base64') : Buffer.alloc(0)));
  if (keys.length > 0 && keys.every((key) => key.length >= SHORTEST)) return keys;
  throw new LockkeeperError(
    'CONFIG_INVALID',
    `${variable} is not \`${PREFIX}\` and behind it at least ${SHORTEST} bytes in base64`,
    { next: `Make one: echo "${PREFIX}$(openssl rand -base64 32)"` },
  );
}

/** The header `webhook-signature` of https://www.standardwebhooks.com: one signature a key. */
export function signatureOf(keys: readonly Buffer[], id: string, seconds: number, body: string): string {
  return keys
    .map((key) => `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`)
    .join(' ');
}
