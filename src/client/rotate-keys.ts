import type { Keyring } from '../crypto/keyring.ts';
import { LockkeeperError } from '../errors.ts';
import { rotateKeys } from '../jobs/rotate-keys.ts';
import { keysInUse } from '../ledger/keys.ts';
import type { Ledger } from '../ledger/pool.ts';
import { servedQueue } from '../ledger/served-queue.ts';
import type { JobClient } from './job-client.ts';
import type { JobHandle } from './job-handle.ts';
import { hasEnded } from './job-row.ts';

/** Rotations to one key, before it is asked what goes wrong. */
const ROTATIONS_AT_MOST = 1_000;

/**
 * Starts the job that encrypts everything in the ledger by the keyring's current key, or finds the one that is at it. Undefined:
 * everything is already.
 * @throws {LockkeeperError} USAGE when no worker of jobs is alive
 */
export async function startRotation(
  jobs: JobClient,
  ledger: Ledger,
  keyring: Keyring,
): Promise<JobHandle<{ resealed: number; unreadable: number }> | undefined> {
  const to = keyring.current.id;
  if ((await keysInUse(ledger)).every(({ keyId }) => keyId === to)) return undefined;
  const queue = await servedQueue(ledger);
  if (queue === undefined)
    throw new LockkeeperError('USAGE', 'no worker is alive that could rotate the keys', {
      next: `Start workers with ${to} as the first key of their keyring`,
    });
  // An id stands for one rotation: what was written by another key after it takes another one.
  for (let n = 1; n <= ROTATIONS_AT_MOST; n += 1) {
    const id = `rotate-keys-to-${to}${n === 1 ? '' : `-${n}`}`;
    const row = await jobs.handle(id).row();
    if (row && hasEnded(row)) continue;
    return jobs.start(rotateKeys(keyring, row?.taskQueue ?? queue), { to }, { id });
  }
  throw new LockkeeperError('USAGE', `the keys were rotated to ${to} ${ROTATIONS_AT_MOST} times`, {
    next: 'See that no worker encrypts by another key: `lockkeeper keys list`',
  });
}
