import { defineJob } from 'lockkeeper';

/** Statistics per country, one country a transaction. Needs the whole import. */
export const countryStatistics = defineJob({
  name: 'countryStatistics',
  taskQueue: 'reports',
  state: { initial: { done: 0 } },
  async *run(job, input: { countries: readonly string[] }) {
    for (let i = job.state.done; i < input.countries.length; i += 1) {
      yield* job.transaction(async (sql, save) => {
        await sql.query(
          `insert into country_statistics
           select country, count(*), (array_agg(name order by lat desc))[1] from city where country = $1 group by country`,
          [input.countries[i]],
        );
        save({ done: i + 1 });
      });
      job.progress(i + 1, input.countries.length);
    }
    return { countries: input.countries.length };
  },
});
