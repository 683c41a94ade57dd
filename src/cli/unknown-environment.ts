import { unknownWord } from '../did-you-mean.ts';
import { listEnvironments } from '../ledger/environments.ts';
import type { Ledger } from '../ledger/pool.ts';

/** What to say of an environment that the ledger has never heard of: a slip of the fingers shows as an empty list. */
export async function unknownEnvironment(ledger: Ledger, environment: string): Promise<string | undefined> {
  const known = await listEnvironments(ledger);
  if (known.length === 0 || known.includes(environment)) return undefined;
  return unknownWord('environment', environment, environment, known);
}
