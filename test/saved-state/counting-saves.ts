import type { Ledger, Queryable } from '../../src/ledger/pool.ts';
import { SaveBatches } from '../../src/ledger/save-batches.ts';

/** One statement that saved, and so one commit: of how many states, with how many bytes. */
export interface Write {
  readonly rows: number;
  readonly bytes: number;
}

/** The same ledger, whose plain saves are counted on their way to Postgres. */
export function countingSaves(ledger: Ledger): { ledger: Ledger; writes: Write[] } {
  const writes: Write[] = [];
  const query = (sent: { readonly values: readonly unknown[] }) => {
    const [key] = sent.values;
    const bytes = sent.values.filter((value) => Buffer.isBuffer(value)).at(-1)?.length ?? 0;
    writes.push({ rows: Array.isArray(key) ? key.length : 1, bytes });
    return ledger.pool.query(sent as never);
  };
  return { ledger: { ...ledger, saves: new SaveBatches({ query } as unknown as Queryable) }, writes };
}
