import { loadCheckpoint } from '../ledger/checkpoints.ts';
import type { Ledger } from '../ledger/pool.ts';
import { withResults } from '../protocol.ts';
import type { SliceInput } from '../protocol.ts';

export type GivenInput =
  { readonly ok: true; readonly input: unknown } | { readonly ok: false; readonly reason: string };

/** The input of a slice, with the results of other nodes of its graph in their places. */
export async function inputOf(ledger: Ledger, { input, results: keys }: SliceInput): Promise<GivenInput> {
  if (!keys) return { ok: true, input };
  const results = new Map<string, unknown>();
  for (const [node, key] of Object.entries(keys)) {
    const last = await loadCheckpoint(ledger, key);
    if (last === undefined || last === 'missing' || last.kind !== 'done')
      return {
        ok: false,
        reason: `its input needs the result of node \`${node}\`, which is not in the ledger (job ${key})`,
      };
    results.set(node, last.value);
  }
  return { ok: true, input: withResults(input, results) };
}
