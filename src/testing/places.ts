import type { AnyJob } from '../jobs/define-job.ts';
import type { Logger } from '../log.ts';
import { LedgerPlace, openTestLedger } from './ledger-place.ts';
import { MemoryPlace } from './memory-place.ts';
import type { Place } from './place.ts';
import type { TestSettings } from './run-job-in-test.ts';

const nothing = () => undefined;
export const SILENT: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Gives places of their own for any number of runs of a job, in the test's database or in memory. */
export async function withPlaces<T>(
  definition: AnyJob,
  { database, log = SILENT }: TestSettings,
  use: (newPlace: () => Place) => Promise<T>,
): Promise<T> {
  if (database === undefined) return use(() => new MemoryPlace(definition, log));
  const ledger = await openTestLedger(database, log);
  try {
    return await use(() => new LedgerPlace(definition, ledger));
  } finally {
    await ledger.close();
  }
}
