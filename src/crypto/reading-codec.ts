import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import { LockkeeperError } from '../errors.ts';
import { isUnreadable } from '../protocol/payloads.ts';
import type { Unreadable } from '../protocol/payloads.ts';
import { isEncrypted, noKeyring, PayloadUnreadable } from './payload-codec.ts';

/**
 * For a client that looks at many things, among them what it has no key for: a list of jobs is not to fail because of one whose
 * key was put away, or because there are no keys here at all. What it cannot decrypt becomes a value that says so.
 */
export class ReadingCodec implements PayloadCodec {
  readonly #inner: PayloadCodec | undefined;

  /** Without an inner one it decrypts nothing, and encrypts nothing. */
  constructor(inner: PayloadCodec | undefined) {
    this.#inner = inner;
  }

  encode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    return this.#inner?.encode(payloads, context) ?? Promise.resolve(payloads);
  }

  decode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    return Promise.all(payloads.map((payload) => this.#decode(payload, context)));
  }

  async #decode(payload: Payload, context: SerializationContext | undefined): Promise<Payload> {
    if (!isEncrypted(payload)) return payload;
    try {
      if (!this.#inner) throw noKeyring(payload);
      const [decoded] = await this.#inner.decode([payload], context);
      return decoded ?? payload;
    } catch (error) {
      if (!(error instanceof PayloadUnreadable)) throw error;
      const { code, message } = error;
      return defaultPayloadConverter.toPayload({ lockkeeperUnreadable: { code, message } });
    }
  }
}

/** What was read, if it could be. @throws {LockkeeperError} KEY_MISSING, SEAL_BROKEN: `what` could not be decrypted */
export function readable<T>(what: string, value: T | Unreadable): T {
  if (!isUnreadable(value)) return value;
  const { code, message } = value.lockkeeperUnreadable;
  throw new LockkeeperError(code, `${what} cannot be read: ${message}`);
}
