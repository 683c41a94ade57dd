import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Tokens } from './tokens.ts';

/** A day of work; then the token is pasted again. Milliseconds. */
export const SESSION_LIFETIME = 12 * 3_600_000;
const NONCE_BYTES = 16;

/**
 * What a browser's cookie holds: when the session ends, and a signature by one of the tokens. Nothing is kept here, so that a
 * restart or a second server behind the same address changes nothing; and a token that is taken away takes its sessions with it.
 */
export class Sessions {
  readonly #tokens: Tokens;
  readonly #now: () => number;

  constructor(tokens: Tokens, now: () => number = Date.now) {
    this.#tokens = tokens;
    this.#now = now;
  }

  /** A session of whoever brought this token. `signer` is what {@link Tokens.find} gave. */
  begin(signer: Buffer): string {
    const content = `${this.#now() + SESSION_LIFETIME}.${randomBytes(NONCE_BYTES).toString('base64url')}`;
    return `${content}.${sign(signer, content)}`;
  }

  holds(session: string): boolean {
    const at = session.lastIndexOf('.');
    const content = session.slice(0, at);
    const signature = Buffer.from(session.slice(at + 1));
    const signed = this.#tokens.digests.filter((signer) => {
      const right = Buffer.from(sign(signer, content));
      return right.length === signature.length && timingSafeEqual(right, signature);
    });
    return signed.length > 0 && Number(content.split('.')[0]) > this.#now();
  }
}

const sign = (signer: Buffer, content: string): string =>
  createHmac('sha256', signer).update(`lockkeeper codec session ${content}`).digest('base64url');
