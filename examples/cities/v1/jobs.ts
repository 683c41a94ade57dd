import { defineJob } from 'lockkeeper';
import { BATCH, cities, rangeOf } from '../cities.ts';

export { countryStatistics } from '../country-statistics.ts';

/** Imports one part of the cities. Rows and place are committed together: a batch is written once, whatever happens. */
export const importCities = defineJob({
  name: 'importCities',
  taskQueue: 'imports',
  state: { initial: { row: 0 } },
  async *run(job, { part }: { part: number }) {
    const { from, to } = rangeOf(part);
    for (let row = Math.max(from, job.state.row); row < to; row += BATCH) {
      const end = Math.min(row + BATCH, to);
      const batch = cities.slice(row, end);
      yield* job.transaction(async (sql, save) => {
        await sql.query(
          `insert into city (n, part, name, country, lat, lng, written_by)
           select $1 + i - 1, $2, name, country, lat, lng, 'v1'
           from unnest($3::text[], $4::text[], $5::float8[], $6::float8[]) with ordinality as c (name, country, lat, lng, i)`,
          [
            row,
            part,
            batch.map((c) => c.name),
            batch.map((c) => c.country),
            batch.map((c) => c.lat),
            batch.map((c) => c.lng),
          ],
        );
        save({ row: end });
      });
      job.progress(end - from, to - from);
    }
    return { rows: to - from };
  },
});
