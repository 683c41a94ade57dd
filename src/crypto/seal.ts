import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { LockkeeperError } from '../errors.ts';
import type { Key, Keyring } from './keyring.ts';
import { KEY_BYTES } from './keyring.ts';

const ALGORITHM = 'aes-256-gcm';
/** 96 bits: what GCM is made for (NIST SP 800-38D, 8.2.2). */
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What was encrypted, and by which key. The tag stands behind the ciphertext. */
export interface Sealed {
  readonly keyId: string;
  readonly nonce: Buffer;
  readonly ciphertext: Buffer;
}

/**
 * What a ciphertext belongs to. `scope` chooses a key of its own (HKDF, RFC 5869), so that random nonces stay far below the
 * 2^32 messages a key of GCM is good for, however many jobs there are; `bound` is authenticated with it: what was sealed
 * at one place does not open at another.
 */
export interface Place {
  readonly scope: string;
  readonly bound: readonly (string | number)[];
}

function cipherKey(key: Key, scope: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key.secret(), '', `lockkeeper ${scope}`, KEY_BYTES));
}

// JSON, so that no two different lists are the same bytes.
const associated = (keyId: string, { scope, bound }: Place): Buffer =>
  Buffer.from(JSON.stringify([keyId, scope, ...bound]));

/** Encrypts and decrypts what is of one scope; its keys are derived once, which takes almost as long as encrypting a small state. */
export class ScopeSeal {
  readonly #keyring: Keyring;
  readonly #scope: string;
  readonly #cipherKeys = new Map<string, Buffer>();

  constructor(keyring: Keyring, scope: string) {
    this.#keyring = keyring;
    this.#scope = scope;
  }

  /** Encrypts by the keyring's current key. */
  seal(plain: Uint8Array, bound: Place['bound']): Sealed {
    const key = this.#keyring.current;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#cipherKey(key), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(associated(key.id, { scope: this.#scope, bound }));
    const ciphertext = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    return { keyId: key.id, nonce, ciphertext };
  }

  /**
   * The plain bytes again.
   * @throws {LockkeeperError} KEY_MISSING; SEAL_BROKEN when anything of it was changed, or it was moved from another place
   */
  open({ keyId, nonce, ciphertext }: Sealed, bound: Place['bound']): Buffer {
    const key = this.#keyring.get(keyId);
    try {
      const decipher = createDecipheriv(ALGORITHM, this.#cipherKey(key), nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(associated(key.id, { scope: this.#scope, bound }));
      decipher.setAuthTag(ciphertext.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(ciphertext.subarray(0, -TAG_BYTES)), decipher.final()]);
    } catch (error) {
      throw new LockkeeperError(
        'SEAL_BROKEN',
        `what key ${key.id} encrypted was changed or moved, or is of another key`,
        {
          next: 'Nothing of it is used. See that each id names the same key everywhere, and who writes into the database',
          cause: error,
        },
      );
    }
  }

  #cipherKey(key: Key): Buffer {
    const known = this.#cipherKeys.get(key.id);
    if (known) return known;
    const derived = cipherKey(key, this.#scope);
    this.#cipherKeys.set(key.id, derived);
    return derived;
  }
}

/** Encrypts by the keyring's current key. */
export const seal = (keyring: Keyring, plain: Uint8Array, { scope, bound }: Place): Sealed =>
  new ScopeSeal(keyring, scope).seal(plain, bound);

/**
 * The plain bytes again.
 * @throws {LockkeeperError} KEY_MISSING; SEAL_BROKEN when anything of it was changed, or it was moved from another place
 */
export const open = (keyring: Keyring, sealed: Sealed, { scope, bound }: Place): Buffer =>
  new ScopeSeal(keyring, scope).open(sealed, bound);
