import { randomBytes } from 'node:crypto';
import { METADATA_ENCODING_KEY } from '@temporalio/common';
import type { Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import proto from '@temporalio/proto';
import { LockkeeperError, isLockkeeperError } from '../errors.ts';
import { ENCRYPTED, isOfDeploys, isReadable } from '../protocol/payloads.ts';
import type { Keyring } from './keyring.ts';
import { NONCE_BYTES, open, seal } from './seal.ts';

/** As in Temporal's own samples. */
const KEY_ID = 'encryption-key-id';
/** Each payload has a key of its own: it is derived with this many random bytes. */
const SALT_BYTES = 16;
const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

/** A payload that cannot be decrypted here, KEY_MISSING or SEAL_BROKEN. The SDK makes a failure of it with the class's name as its type. */
export class PayloadUnreadable extends LockkeeperError {}

/**
 * Encrypts what goes to the Temporal server (inputs, results, heartbeats, signals, failures) and decrypts what comes from it. A
 * payload opens in its own namespace only. What is not encrypted is passed on as it is: signals typed by a person are not,
 * and neither is what the workflows of deploys are told, by scripts as well as by workers.
 */
export class EncryptionCodec implements PayloadCodec {
  readonly keyring: Keyring;
  readonly #namespace: string;

  constructor(keyring: Keyring, namespace: string) {
    this.keyring = keyring;
    this.#namespace = namespace;
  }

  encode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    const readable = context?.type === 'workflow' && isOfDeploys(context.workflowId);
    return Promise.resolve(readable ? payloads : payloads.map((payload) => this.#encode(payload)));
  }

  /** @throws {PayloadUnreadable} KEY_MISSING, SEAL_BROKEN */
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is to be a rejection
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (isEncrypted(payload) ? this.#decode(payload) : payload));
  }

  #encode(payload: Payload): Payload {
    if (isReadable(payload)) return payload;
    const salt = randomBytes(SALT_BYTES);
    const { keyId, nonce, ciphertext } = seal(this.keyring, PayloadMessage.encode(payload).finish(), this.#place(salt));
    return {
      metadata: { [METADATA_ENCODING_KEY]: Buffer.from(ENCRYPTED), [KEY_ID]: Buffer.from(keyId) },
      data: Buffer.concat([salt, nonce, ciphertext]),
    };
  }

  #decode(payload: Payload): Payload {
    const all = Buffer.from(payload.data ?? []);
    const nonceEnds = SALT_BYTES + NONCE_BYTES;
    const salt = all.subarray(0, SALT_BYTES);
    const sealed = {
      keyId: keyIdOf(payload),
      nonce: all.subarray(SALT_BYTES, nonceEnds),
      ciphertext: all.subarray(nonceEnds),
    };
    try {
      return PayloadMessage.decode(open(this.keyring, sealed, this.#place(salt)));
    } catch (error) {
      throw isLockkeeperError(error) ? unreadable(error) : error;
    }
  }

  #place(salt: Buffer) {
    return { scope: `payload ${this.#namespace} ${salt.toString('hex')}`, bound: [] };
  }
}

/** In place of keys where nothing is to be encrypted: what is encrypted all the same is refused with words, and waits. */
export class PlaintextCodec implements PayloadCodec {
  encode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve(payloads);
  }

  /** @throws {PayloadUnreadable} KEY_MISSING */
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is to be a rejection
  async decode(payloads: Payload[]): Promise<Payload[]> {
    const encrypted = payloads.find(isEncrypted);
    if (encrypted) throw noKeyring(encrypted);
    return payloads;
  }
}

export const noKeyring = (payload: Payload) =>
  new PayloadUnreadable('KEY_MISSING', `it is encrypted by key ${keyIdOf(payload)}, and there are no keys here`, {
    next: 'Set LOCKKEEPER_KEY_FILE, or LOCKKEEPER_KEYS, as elsewhere',
  });

/** The same error; its message has what to do next already. */
const unreadable = ({ code, message, cause }: LockkeeperError) => new PayloadUnreadable(code, message, { cause });

const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString();

/** By which key it says to be encrypted. */
export const keyIdOf = ({ metadata }: Payload): string => text(metadata?.[KEY_ID]);

export const isEncrypted = ({ metadata }: Payload): boolean => text(metadata?.[METADATA_ENCODING_KEY]) === ENCRYPTED;
