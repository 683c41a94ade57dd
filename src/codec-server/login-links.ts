import { createHash, randomBytes } from 'node:crypto';

/** Long enough to change from a terminal to a browser, milliseconds. */
const LINK_LIFETIME = 10 * 60_000;
const CODE_BYTES = 32;

/** Codes that log in whoever brings them first: seen in a terminal or a history later, they are worth nothing. */
export class LoginLinks {
  /** By the code's digest: a look-up's time tells nothing of the codes themselves. */
  readonly #open = new Map<string, { readonly signer: Buffer; readonly until: number }>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** A code that begins a session of the token this signer stands for. */
  make(signer: Buffer): string {
    const code = randomBytes(CODE_BYTES).toString('base64url');
    this.#open.set(digest(code), { signer, until: this.#now() + LINK_LIFETIME });
    return code;
  }

  use(code: string): Buffer | undefined {
    const found = this.#open.get(digest(code));
    this.#open.delete(digest(code));
    return found && found.until > this.#now() ? found.signer : undefined;
  }
}

const digest = (code: string): string => createHash('sha256').update(code).digest('hex');
