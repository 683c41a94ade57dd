import { JobSeal } from '../crypto/job-seal.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { openResult } from '../jobs/state.ts';
import type { Opened } from '../jobs/state.ts';
import { loadCheckpoint } from '../ledger/checkpoints.ts';
import type { Ledger } from '../ledger/pool.ts';
import { withResults } from '../protocol.ts';
import type { SliceInput } from '../protocol.ts';

/** The input of a slice, with the results of other nodes of its graph in their places. */
export async function inputOf(
  ledger: Ledger,
  keyring: Keyring | undefined,
  { input, results: keys }: SliceInput,
): Promise<Opened<{ input: unknown }>> {
  if (!keys) return { ok: true, input };
  const results = new Map<string, unknown>();
  for (const [node, key] of Object.entries(keys)) {
    const opened = openResult(await loadCheckpoint(ledger, key), new JobSeal(keyring, key));
    if (!opened.ok) {
      const words = `its input needs the result of node \`${node}\`, job ${key}: ${opened.reason.words}`;
      return { ...opened, reason: { ...opened.reason, words } };
    }
    results.set(node, opened.result);
  }
  return { ok: true, input: withResults(input, results) };
}
