import { setTimeout as delay } from 'node:timers/promises';
import { defineJob } from 'lockkeeper';

/** Change it, deploy while boats pass, and read in the result who has let them through. */
const KEEPER = 'v1';

/**
 * Lets boats through a lock, one after another: a minute of work that stands for your own. Each boat is a row in Postgres,
 * committed together with the job's place, so that none is lost and none passes twice, whatever is stopped or killed.
 */
export const passBoats = defineJob({
  name: 'passBoats',
  taskQueue: 'boats',
  state: { initial: { passed: 0 } },
  async *run(job, { boats = 600 }: { boats?: number } = {}) {
    if (job.state.passed === 0) {
      yield* job.transaction(async (sql, save) => {
        await sql.query(
          'create table if not exists boat (job text, n int, keeper text, passed timestamptz default now())',
        );
        save({ passed: 0 });
      });
    }
    for (let boat = job.state.passed + 1; boat <= boats; boat += 1) {
      await delay(100);
      yield* job.transaction(async (sql, save) => {
        await sql.query('insert into boat (job, n, keeper) values ($1, $2, $3)', [job.id, boat, KEEPER]);
        save({ passed: boat });
      });
      job.progress(boat, boats);
    }
    return yield* job.transaction(async (sql, save) => {
      const { rows } = await sql.query<{ passed: number; twice: number; keepers: string }>(
        `select count(distinct n)::int as passed, (count(*) - count(distinct n))::int as twice,
                string_agg(distinct keeper, ', ') as keepers
         from boat where job = $1`,
        [job.id],
      );
      save({ passed: boats });
      return rows[0];
    });
  },
});
