import { setTimeout as delay } from 'node:timers/promises';
import { defineJob } from 'lockkeeper';
import pg from 'pg';
import { INSERT } from '../items.ts';

const db = new pg.Pool({ connectionString: process.env['DATABASE_URL'] });

export interface Work {
  readonly items: number;
  readonly everyMs: number;
}

/** Item and place are committed together. */
export const transactional = defineJob({
  name: 'transactional',
  taskQueue: 'lockkeeper',
  state: { initial: { next: 0 } },
  async *run(job, { items, everyMs }: Work) {
    for (let next = job.state.next; next < items; next += 1) {
      yield* job.transaction(async (sql, save) => {
        await sql.query(INSERT, [job.id, next, process.pid]);
        save({ next: next + 1 });
      });
      await delay(everyMs);
    }
  },
});

/** The place is saved at most once a second, and always when the job steps aside. */
export const interval = defineJob({
  name: 'interval',
  taskQueue: 'lockkeeper',
  state: { initial: { next: 0 } },
  async *run(job, { items, everyMs }: Work) {
    for (let next = job.state.next; next < items; next += 1) {
      await db.query(INSERT, [job.id, next, process.pid]);
      await delay(everyMs);
      yield { next: next + 1 };
    }
  },
});
