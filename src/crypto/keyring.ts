import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { LockkeeperError } from '../errors.ts';

/** AES-256. */
export const KEY_BYTES = 32;

/** What may be the id of a key: it stands in rows, payloads and messages. `none` says of a row that it is not encrypted. */
export const KEY_ID = /^(?!none$)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** One key; its secret never shows when it is logged, inspected or written as JSON. */
export class Key {
  readonly id: string;
  readonly #secret: Buffer;

  constructor(id: string, secret: Buffer) {
    this.id = id;
    this.#secret = secret;
  }

  /** For deriving other keys only. */
  secret(): Buffer {
    return this.#secret;
  }

  toJSON(): string {
    return `key ${this.id}`;
  }

  [inspect.custom](): string {
    return this.toJSON();
  }
}

/** The keys of an environment: the first one encrypts, all of them decrypt. */
export class Keyring {
  readonly keys: readonly [Key, ...Key[]];
  /** Saved rows that are not encrypted are read, too. Whoever can write into the database can then give a job any state. */
  readonly acceptPlaintext: boolean;

  constructor(keys: readonly [Key, ...Key[]], options: { readonly acceptPlaintext?: boolean } = {}) {
    this.keys = keys;
    this.acceptPlaintext = options.acceptPlaintext ?? false;
  }

  /** The same keys, for the time in which rows from before there was a keyring are still read. */
  acceptingPlaintext(): Keyring {
    return new Keyring(this.keys, { acceptPlaintext: true });
  }

  /** The one that encrypts. */
  get current(): Key {
    return this.keys[0];
  }

  get ids(): string[] {
    return this.keys.map((key) => key.id);
  }

  /** @throws {LockkeeperError} KEY_MISSING */
  get(id: string): Key {
    const key = this.keys.find((one) => one.id === id);
    if (key) return key;
    throw new LockkeeperError('KEY_MISSING', `key ${id} is not in the keyring, which has ${this.ids.join(', ')}`, {
      next: 'Add it behind the others: a key is needed for as long as something is encrypted by it',
    });
  }
}

/**
 * The text of a keyring: `<id>:<32 bytes in base64>`, separated by commas, spaces or lines; the first one encrypts, all of them
 * decrypt. What follows a `#` on a line is a comment. `source` says where the text is from, for messages.
 * @throws {LockkeeperError} KEYRING_INVALID, without anything of a secret in it
 * @example
 * const keyring = parseKeyring(process.env.LOCKKEEPER_KEYS ?? '', 'LOCKKEEPER_KEYS');
 */
export function parseKeyring(text: string, source: string): Keyring {
  const entries = text
    .split('\n')
    .flatMap((line) => line.replace(/#.*/, '').split(/[\s,]+/))
    .filter((entry) => entry !== '');
  const keys = entries.map((entry, i) => parseKey(entry, `${source}, key ${i + 1}`));
  const [first, ...others] = keys;
  if (!first) throw invalid(`${source} holds no key`);
  const twice = keys.find((key, i) => keys.findIndex((other) => other.id === key.id) !== i);
  if (twice) throw invalid(`${source} holds two keys with the id ${twice.id}`);
  return new Keyring([first, ...others]);
}

function parseKey(entry: string, where: string): Key {
  const colon = entry.indexOf(':');
  if (colon < 0) throw invalid(`${where}: no \`:\` between its id and its secret`);
  const id = entry.slice(0, colon);
  if (!KEY_ID.test(id))
    throw invalid(`${where}: its id is not usable (letters, digits, \`.\`, \`_\` and \`-\`, at most 64, not \`none\`)`);
  const encoded = entry.slice(colon + 1);
  const secret = Buffer.from(encoded, 'base64');
  // Node leaves out what is not base64, so that a typing error would be another key.
  if (secret.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, ''))
    throw invalid(`${where} (${id}): its secret is not base64`);
  if (secret.length !== KEY_BYTES)
    throw invalid(`${where} (${id}): its secret has ${secret.length} bytes, ${KEY_BYTES} are needed`);
  return new Key(id, secret);
}

const invalid = (what: string) =>
  new LockkeeperError('KEYRING_INVALID', what, {
    next: 'Write `<id>:<32 bytes in base64>`, as `lockkeeper keys generate` does',
  });

/** A new key as an entry of a keyring. */
export const generateKey = (id: string): string => `${id}:${randomBytes(KEY_BYTES).toString('base64')}`;
