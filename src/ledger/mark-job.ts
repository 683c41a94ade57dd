import { storable } from '../storable.ts';
import type { Ledger } from './pool.ts';

/**
 * Says in the ledger how a job stands; only the claim that holds it may, and a job that has ended stays as it ended. What is
 * the job's own in `reason` is encrypted already.
 */
export async function markJob(
  ledger: Ledger,
  key: string,
  claim: string,
  state: 'waiting' | 'quarantined' | 'failed' | 'cancelled',
  reason: string,
): Promise<void> {
  await ledger.pool.query(
    `update lockkeeper._jobs set state = $3, reason = $4, changed_at = now()
     where key = $1 and claim = $2 and state not in ('done', 'cancelled')`,
    [key, claim, state, storable(reason)],
  );
}

/** A person has given up a quarantined job. */
export async function markGivenUp(ledger: Ledger, key: string): Promise<void> {
  await ledger.pool.query(
    `update lockkeeper._jobs set state = 'failed', changed_at = now() where key = $1 and state = 'quarantined'`,
    [key],
  );
}

/** The job was told to end: what its claim does from here on is no interruption. */
export async function markCancelling(ledger: Ledger, key: string, claim: string): Promise<void> {
  await ledger.pool.query('update lockkeeper._jobs set cancelling = true where key = $1 and claim = $2', [key, claim]);
}
