import { setTimeout as delay } from 'node:timers/promises';
import { defineJob } from 'lockkeeper';

/** Rows in one transaction. */
const BATCH = 10;
/** As long as somebody else's geocoder takes for a batch, milliseconds. */
const LOOKUP = 100;

/** Writes the cities of one request. Rows and place are committed together: each city once, whatever happens. */
export const importCities = defineJob({
  name: 'importCities',
  taskQueue: 'imports',
  state: { initial: { row: 0 } },
  async *run(job, { cities }: { cities: readonly string[] }) {
    for (let row = job.state.row; row < cities.length; row += BATCH) {
      const batch = cities.slice(row, row + BATCH);
      await delay(LOOKUP);
      const next = row + batch.length;
      yield* job.statement('insert into imported_city (import, name) select $1, unnest($2::text[])', [job.id, batch], {
        row: next,
      });
      job.progress(next, cities.length);
    }
    return { imported: cities.length };
  },
  /** A cancelled import leaves nothing behind. */
  async *onCancel(job) {
    yield* job.statement('delete from imported_city where import = $1', [job.id], { row: 0 });
  },
});
