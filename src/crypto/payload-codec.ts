import { randomBytes } from 'node:crypto';
import { METADATA_ENCODING_KEY } from '@temporalio/common';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { Keyring } from './keyring.ts';
import { NONCE_BYTES, open, seal } from './seal.ts';

/** Marks a payload as encrypted, as Temporal's own samples do. */
export const ENCRYPTED = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
/** Each payload has a key of its own: it is derived with this many random bytes. */
const SALT_BYTES = 16;
const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

/**
 * Encrypts what goes to the Temporal server (inputs, results, heartbeats, signals, failures) and decrypts what comes from it. A
 * payload opens in its own namespace only. What is not encrypted is passed on as it is: signals typed by a person are not.
 */
export class EncryptionCodec implements PayloadCodec {
  readonly #keyring: Keyring;
  readonly #namespace: string;

  constructor(keyring: Keyring, namespace: string) {
    this.#keyring = keyring;
    this.#namespace = namespace;
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve(payloads.map((payload) => this.#encode(payload)));
  }

  /** @throws {LockkeeperError} KEY_MISSING, SEAL_BROKEN */
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is to be a rejection
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (isEncrypted(payload) ? this.#decode(payload) : payload));
  }

  #encode(payload: Payload): Payload {
    const salt = randomBytes(SALT_BYTES);
    const { keyId, nonce, ciphertext } = seal(
      this.#keyring,
      PayloadMessage.encode(payload).finish(),
      this.#place(salt),
    );
    return {
      metadata: { [METADATA_ENCODING_KEY]: Buffer.from(ENCRYPTED), [KEY_ID]: Buffer.from(keyId) },
      data: Buffer.concat([salt, nonce, ciphertext]),
    };
  }

  #decode({ metadata, data }: Payload): Payload {
    const all = Buffer.from(data ?? []);
    const nonceEnds = SALT_BYTES + NONCE_BYTES;
    const salt = all.subarray(0, SALT_BYTES);
    const sealed = {
      keyId: text(metadata?.[KEY_ID]),
      nonce: all.subarray(SALT_BYTES, nonceEnds),
      ciphertext: all.subarray(nonceEnds),
    };
    return PayloadMessage.decode(open(this.#keyring, sealed, this.#place(salt)));
  }

  #place(salt: Buffer) {
    return { scope: `payload ${this.#namespace} ${salt.toString('hex')}`, bound: [] };
  }
}

const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString();

export const isEncrypted = ({ metadata }: Payload): boolean => text(metadata?.[METADATA_ENCODING_KEY]) === ENCRYPTED;
