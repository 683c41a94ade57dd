import { runJob } from 'lockkeeper/workflow';
import type { countryStatistics, importCities } from './v1/jobs.ts';

/** Imports all parts side by side, then computes the statistics: ordinary Temporal code around two kinds of jobs. */
export async function citiesReport(input: { parts: number; countries: readonly string[] }) {
  const parts = Array.from({ length: input.parts }, (_, part) => part);
  // The heartbeat timeout is how long a silent worker is believed: short, so that the demo's SIGKILL is noticed soon.
  const imported = await Promise.all(
    parts.map((part) => runJob<typeof importCities>('importCities', { part }, { heartbeatTimeout: '3s' })),
  );
  const statistics = await runJob<typeof countryStatistics>(
    'countryStatistics',
    { countries: input.countries },
    { taskQueue: 'reports' },
  );
  return { rows: imported.reduce((sum, { rows }) => sum + rows, 0), countries: statistics.countries };
}
