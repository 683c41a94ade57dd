import { JobSeal } from '../crypto/job-seal.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { loadCheckpoint } from '../ledger/checkpoints.ts';
import type { Ledger } from '../ledger/pool.ts';
import { openCheckpoint } from './state.ts';

/**
 * The result of a job that is kept in the ledger; undefined: it is not there (any more).
 * @throws {LockkeeperError} KEY_MISSING, SEAL_BROKEN, PLAINTEXT_REFUSED
 */
export async function savedResult(
  ledger: Ledger,
  keyring: Keyring | undefined,
  key: string,
): Promise<{ readonly value: unknown } | undefined> {
  const last = await loadCheckpoint(ledger, key);
  if (last === undefined || last === 'missing' || last.kind !== 'done') return undefined;
  return openCheckpoint(last, new JobSeal(keyring, key));
}
