import { keyringOf } from '../crypto/encryption.ts';
import type { Encryption } from '../crypto/encryption.ts';
import { PLAIN } from '../crypto/job-seal.ts';
import { LockkeeperError } from '../errors.ts';
import { keysOfOpenJobs } from '../ledger/keys.ts';
import type { Ledger } from '../ledger/pool.ts';

/**
 * A worker that could not read what open jobs have saved refuses to start, in place of stopping them one by one.
 * @throws {LockkeeperError} KEY_MISSING, PLAINTEXT_REFUSED
 */
export async function expectKeys(ledger: Ledger, encryption: Encryption): Promise<void> {
  const keyring = keyringOf(encryption);
  const inUse = await keysOfOpenJobs(ledger);
  const missing = inUse.filter((id) => id !== PLAIN && !keyring?.ids.includes(id));
  if (missing.length > 0)
    throw new LockkeeperError(
      'KEY_MISSING',
      `open jobs have saved their place encrypted by ${missing.join(', ')}, and ${keyring ? `the keyring has ${keyring.ids.join(', ')}` : 'there are no keys here'}`,
      {
        next: 'Put it back, behind the others, until these jobs have ended or `lockkeeper keys rotate` has been through',
      },
    );
  if (keyring && !keyring.acceptPlaintext && inUse.includes(PLAIN))
    throw new LockkeeperError(
      'PLAINTEXT_REFUSED',
      'open jobs have saved their place without encryption, and there is a keyring',
      {
        next: 'If that is from before there was one, set `encryption.acceptPlaintext: true` (in a program, `keyring.acceptingPlaintext()`), run `lockkeeper keys rotate`, and take it out again',
      },
    );
}
