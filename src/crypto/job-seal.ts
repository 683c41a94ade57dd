import { LockkeeperError, isLockkeeperError } from '../errors.ts';
import { storable } from '../storable.ts';
import type { Keyring } from './keyring.ts';
import { NONCE_BYTES, ScopeSeal } from './seal.ts';
import type { Sealed } from './seal.ts';

/** The key id of a row that is not encrypted. */
export const PLAIN = 'none';

/** What a saved state or result is bound to, besides its job: nobody can hand it to the job as another one. */
export interface SavedAs {
  readonly seq: number;
  readonly kind: 'state' | 'done';
  readonly stateVersion: number;
}

/** What a text about a job is: the note of its progress, or why it is as it is. */
export type TextKind = 'note' | 'reason';

/** A text, or the part of one, that is encrypted: readable beside it stays what lockkeeper itself has to say. */
const SEALED_TEXT = /sealed:([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/]{38,}={0,2})/g;

/** Encrypts what the ledger keeps of one job, and decrypts it. Without a keyring it is kept as it is. */
export class JobSeal {
  readonly #keyring: Keyring | undefined;
  readonly #key: string;
  #states: ScopeSeal | undefined;
  #texts: ScopeSeal | undefined;

  /** `key`: the job's identity in the ledger. */
  constructor(keyring: Keyring | undefined, key: string) {
    this.#keyring = keyring;
    this.#key = key;
  }

  /** By which key is encrypted from now on. */
  get keyId(): string {
    return this.#keyring?.current.id ?? PLAIN;
  }

  seal(plain: Buffer, { seq, kind, stateVersion }: SavedAs): Sealed {
    const scope = this.#scopeOfStates();
    return scope?.seal(plain, [seq, kind, stateVersion]) ?? { keyId: PLAIN, nonce: Buffer.alloc(0), ciphertext: plain };
  }

  /** @throws {LockkeeperError} KEY_MISSING, SEAL_BROKEN, PLAINTEXT_REFUSED */
  open(sealed: Sealed, { seq, kind, stateVersion }: SavedAs): Buffer {
    const scope = this.#scopeOfStates();
    if (sealed.keyId === PLAIN) {
      if (!this.#keyring || this.#keyring.acceptPlaintext) return sealed.ciphertext;
      throw new LockkeeperError('PLAINTEXT_REFUSED', `checkpoint ${seq} is not encrypted, and there is a keyring`, {
        next: 'If it is from before there was one, set `acceptPlaintext` until every job has saved again',
      });
    }
    if (scope) return scope.open(sealed, [seq, kind, stateVersion]);
    throw new LockkeeperError(
      'KEY_MISSING',
      `checkpoint ${seq} is encrypted by key ${sealed.keyId}, and there is no keyring`,
      {
        next: 'Give LOCKKEEPER_KEYS, as the workers have it',
      },
    );
  }

  /** A text of the job's own, such as the message of an error it threw, as the ledger may keep it. */
  sealText(text: string, kind: TextKind): string {
    const plain = storable(text);
    if (!this.#keyring || plain === '') return plain;
    const { keyId, nonce, ciphertext } = this.#scopeOfTexts(this.#keyring).seal(Buffer.from(plain), [kind]);
    return `sealed:${keyId}:${Buffer.concat([nonce, ciphertext]).toString('base64')}`;
  }

  /** For people: what cannot be opened says so in its place. */
  openText(text: string, kind: TextKind): string {
    return text.replace(SEALED_TEXT, (_, keyId: string, encoded: string) => this.#openText(keyId, encoded, kind));
  }

  /** The same text by the current key; what cannot be opened stays as it is. */
  resealText(text: string, kind: TextKind): string {
    return text.replace(SEALED_TEXT, (token, keyId: string, encoded: string) => {
      const plain = keyId === this.#keyring?.current.id ? undefined : this.#tryOpenText(keyId, encoded, kind);
      return plain === undefined ? token : this.sealText(plain, kind);
    });
  }

  /** The same for a text that is all the job's own: one from before there were keys is encrypted, too. */
  resealOwnText(text: string, kind: TextKind): string {
    return text.startsWith('sealed:') ? this.resealText(text, kind) : this.sealText(text, kind);
  }

  #tryOpenText(keyId: string, encoded: string, kind: TextKind): string | undefined {
    if (!this.#keyring) return undefined;
    const all = Buffer.from(encoded, 'base64');
    const sealed = { keyId, nonce: all.subarray(0, NONCE_BYTES), ciphertext: all.subarray(NONCE_BYTES) };
    try {
      return this.#scopeOfTexts(this.#keyring).open(sealed, [kind]).toString();
    } catch (error) {
      if (isLockkeeperError(error)) return undefined;
      throw error;
    }
  }

  #openText(keyId: string, encoded: string, kind: TextKind): string {
    if (!this.#keyring?.ids.includes(keyId)) return `(encrypted by key ${keyId})`;
    return this.#tryOpenText(keyId, encoded, kind) ?? '(changed in the database, not shown)';
  }

  #scopeOfStates(): ScopeSeal | undefined {
    if (this.#keyring) this.#states ??= new ScopeSeal(this.#keyring, `checkpoint ${this.#key}`);
    return this.#states;
  }

  #scopeOfTexts(keyring: Keyring): ScopeSeal {
    return (this.#texts ??= new ScopeSeal(keyring, `text ${this.#key}`));
  }
}
