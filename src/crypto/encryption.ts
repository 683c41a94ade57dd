import { LockkeeperError } from '../errors.ts';
import { readKeyFile } from './key-file.ts';
import { parseKeyring } from './keyring.ts';
import type { Keyring } from './keyring.ts';

/** By which keys saved state and Temporal's payloads are encrypted; that they are not must be said in words. */
export type Encryption = Keyring | 'plaintext';

/** What `lockkeeper.yaml` says of it. */
export interface EncryptionSettings {
  readonly mode?: 'keyring' | 'plaintext' | undefined;
  /** Absolute. */
  readonly keyFile?: string | undefined;
  readonly acceptPlaintext?: boolean | undefined;
}

/** Where the keys are, when a place is named. */
export type KeySource =
  | { readonly from: 'LOCKKEEPER_KEYS'; readonly text: string }
  | { readonly from: 'LOCKKEEPER_KEY_FILE' | 'encryption.keyFile'; readonly file: string };

/**
 * LOCKKEEPER_KEYS or LOCKKEEPER_KEY_FILE, else the key file of the config: what is said nearest to the process counts.
 * @throws {LockkeeperError} KEYRING_INVALID when both variables are set
 */
export function keySource(env: NodeJS.ProcessEnv, settings: EncryptionSettings = {}): KeySource | undefined {
  const { LOCKKEEPER_KEYS: text, LOCKKEEPER_KEY_FILE: file } = env;
  if (text && file)
    throw new LockkeeperError('KEYRING_INVALID', 'LOCKKEEPER_KEYS and LOCKKEEPER_KEY_FILE are both set', {
      next: 'Set one of them: which keys would encrypt is not to be guessed',
    });
  if (text) return { from: 'LOCKKEEPER_KEYS', text };
  if (file) return { from: 'LOCKKEEPER_KEY_FILE', file };
  return settings.keyFile === undefined ? undefined : { from: 'encryption.keyFile', file: settings.keyFile };
}

/**
 * What is said about encryption; undefined when nothing is, which is not enough to work with: see {@link expectEncryption}.
 * @throws {LockkeeperError} KEYRING_INVALID: the keys cannot be read or are none, or there are some and `mode: plaintext`, too
 * @example const encryption = findEncryption(process.env, config.encryption);
 */
export function findEncryption(
  env: NodeJS.ProcessEnv = process.env,
  settings: EncryptionSettings = {},
): Encryption | undefined {
  const source = keySource(env, settings);
  if (settings.mode === 'plaintext') {
    if (!source) return 'plaintext';
    throw new LockkeeperError('KEYRING_INVALID', `encryption.mode is plaintext, and there are keys in ${source.from}`, {
      next: `Leave out one of them: \`mode\` to encrypt, ${source.from} to write everything in plain text`,
    });
  }
  if (!source) return undefined;
  const keyring = 'text' in source ? parseKeyring(source.text, source.from) : readKeyFile(source.file, source.from);
  return settings.acceptPlaintext ? keyring.acceptingPlaintext() : keyring;
}

/**
 * Nothing is written in plain text because a setting was forgotten.
 * @throws {LockkeeperError} KEYRING_MISSING
 */
export function expectEncryption(found: Encryption | undefined): Encryption {
  if (found) return found;
  throw new LockkeeperError('KEYRING_MISSING', 'there are no keys, and without them nothing would be encrypted', {
    next:
      'Make some, `lockkeeper keys generate --file lockkeeper.keys`, and name the file in LOCKKEEPER_KEY_FILE or as `encryption.keyFile` in lockkeeper.yaml, for every worker and client alike (`lockkeeper dev` makes its own); ' +
      "or say that nothing is to be encrypted: `encryption: { mode: plaintext }` in lockkeeper.yaml, `encryption: 'plaintext'` in a program",
  });
}

/** Undefined for plain text. */
export const keyringOf = (encryption: Encryption | undefined): Keyring | undefined =>
  encryption === 'plaintext' ? undefined : encryption;
