import type { Ledger } from './pool.ts';

export interface Unrestorable {
  readonly key: string;
  /** The claim that holds the job; undefined for one that is done, and whose result cannot be read. */
  readonly claim: string | undefined;
  readonly epoch: number;
  /** As it may stand in the ledger. */
  readonly reason: string;
  readonly act: 'wait' | 'goBack' | 'quarantine';
  /** With `goBack`: the checkpoint to go on from, 0 for the initial state. */
  readonly to?: number;
  /** With `quarantine`: what was found of the checkpoints that are kept. */
  readonly findings?: readonly { readonly seq: number; readonly why?: string }[];
}

/**
 * Writes down what becomes of a job whose checkpoint cannot be restored. Returns for how long workers have handed it back by
 * then, milliseconds; undefined: refused, the job is in other hands.
 */
export async function cannotRestore(ledger: Ledger, u: Unrestorable): Promise<number | undefined> {
  const { rows } = await ledger.pool.query<{ waited: number | null }>(
    'select lockkeeper.cannot_restore($1, $2, $3, $4, $5, $6, $7) as waited',
    [
      u.key,
      u.claim ?? null,
      u.epoch,
      u.act,
      u.to ?? null,
      u.reason,
      u.findings === undefined ? null : JSON.stringify(u.findings),
    ],
  );
  return rows[0]?.waited ?? undefined;
}
