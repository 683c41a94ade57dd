import { findEncryption, keySource } from '../crypto/encryption.ts';
import type { EncryptionSettings } from '../crypto/encryption.ts';
import { errorMessage } from '../errors.ts';

/** What this machine and the config say of encryption together; nothing of a secret. */
export interface FoundEncryption {
  readonly state: 'keyring' | 'plaintext' | 'missing' | 'unusable';
  readonly from?: string;
  readonly keys?: readonly string[];
  readonly reason?: string;
}

/** The config may be fine where the keys are not: it is checked in CI, which has none. */
export function lookAtEncryption(settings: EncryptionSettings, env: NodeJS.ProcessEnv = process.env): FoundEncryption {
  try {
    const encryption = findEncryption(env, settings);
    if (encryption === undefined) return { state: 'missing' };
    if (encryption === 'plaintext') return { state: 'plaintext' };
    const source = keySource(env, settings);
    return { state: 'keyring', ...(source && { from: source.from }), keys: encryption.ids };
  } catch (error) {
    return { state: 'unusable', reason: errorMessage(error) };
  }
}

export function describeEncryption({ state, from, keys = [], reason }: FoundEncryption): string {
  switch (state) {
    case 'keyring':
      return `keys of ${from}: ${keys.join(', ')}; ${keys[0]} encrypts`;
    case 'plaintext':
      return 'nothing is encrypted: mode is plaintext';
    case 'missing':
      return 'no keys here, and without them no worker starts';
    case 'unusable':
      return reason ?? 'unusable';
  }
}
