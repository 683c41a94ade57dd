import type { Keyring } from '../crypto/keyring.ts';
import type { Reason } from '../jobs/reason.ts';
import { savedResult } from '../jobs/saved-result.ts';
import type { Ledger } from '../ledger/pool.ts';
import { keysIn, withResults } from '../protocol.ts';
import type { SliceInput } from '../protocol.ts';

export type GivenInput =
  { readonly ok: true; readonly input: unknown } | { readonly ok: false; readonly reason: Reason };

/** The input of a slice, with the results of other jobs in their places. */
export async function inputOf(
  ledger: Ledger,
  keyring: Keyring | undefined,
  { input, resultsInInput }: SliceInput,
): Promise<GivenInput> {
  if (!resultsInInput) return { ok: true, input };
  const results = new Map<string, unknown>();
  for (const key of keysIn(input)) {
    const result = await savedResult(ledger, keyring, key);
    if (!result)
      return { ok: false, reason: { words: `its input needs the result of job ${key}, which is not in the ledger` } };
    results.set(key, result.value);
  }
  return { ok: true, input: withResults(input, results) };
}
