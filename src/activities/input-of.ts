import { loadCheckpoint } from '../ledger/checkpoints.ts';
import type { Ledger } from '../ledger/pool.ts';
import { keysIn, withResults } from '../protocol.ts';
import type { SliceInput } from '../protocol.ts';

export type GivenInput =
  { readonly ok: true; readonly input: unknown } | { readonly ok: false; readonly reason: string };

/** The input of a slice, with the results of other jobs in their places. */
export async function inputOf(ledger: Ledger, { input, resultsInInput }: SliceInput): Promise<GivenInput> {
  if (!resultsInInput) return { ok: true, input };
  const results = new Map<string, unknown>();
  for (const key of keysIn(input)) {
    const last = await loadCheckpoint(ledger, key);
    if (last === undefined || last === 'missing' || last.kind !== 'done')
      return { ok: false, reason: `its input needs the result of job ${key}, which is not in the ledger` };
    results.set(key, last.value);
  }
  return { ok: true, input: withResults(input, results) };
}
