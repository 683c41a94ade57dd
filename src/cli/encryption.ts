import { loadConfig, nearestConfigFile } from '../config/index.ts';
import { findEncryption, keySource } from '../crypto/encryption.ts';
import type { Encryption } from '../crypto/encryption.ts';
import { errorMessage } from '../errors.ts';
import { tell } from './terminal.ts';

/**
 * For commands that look: by the environment, or by the nearest config, where there is one. Whoever may not read the keys sees
 * what is not encrypted.
 * @throws {LockkeeperError} KEYRING_INVALID, when the environment names keys that are none
 */
export async function encryptionIfThere(env: NodeJS.ProcessEnv = process.env): Promise<Encryption | undefined> {
  const file = nearestConfigFile();
  if (keySource(env) || file === undefined) return findEncryption(env);
  try {
    return findEncryption(env, (await loadConfig(file, env)).encryption);
  } catch (error) {
    tell(`lockkeeper: what is encrypted is not shown: ${errorMessage(error)}`);
    return undefined;
  }
}
