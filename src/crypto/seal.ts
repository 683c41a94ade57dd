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

/** Encrypts by the keyring's current key. */
export function seal(keyring: Keyring, plain: Uint8Array, place: Place): Sealed {
  const key = keyring.current;
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, cipherKey(key, place.scope), nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associated(key.id, place));
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return { keyId: key.id, nonce, ciphertext };
}

/**
 * The plain bytes again.
 * @throws {LockkeeperError} KEY_MISSING; SEAL_BROKEN when anything of it was changed, or it was moved from another place
 */
export function open(keyring: Keyring, sealed: Sealed, place: Place): Buffer {
  const key = keyring.get(sealed.keyId);
  try {
    const { ciphertext, nonce } = sealed;
    const decipher = createDecipheriv(ALGORITHM, cipherKey(key, place.scope), nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associated(key.id, place));
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
