import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { defineJob } from '../../../src/index.ts';

/** What the jobs do in the world, outside of their transactions; and the word they wait for. No unique index. */
export const TABLES =
  'create table mark (n bigint generated always as identity, job text, what text, build text); create table told (job text)';

const outside = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 4, allowExitOnIdle: true });

const mark = (job: string, what: string) =>
  outside.query('insert into mark (job, what, build) values ($1, $2, $3)', [job, what, process.env['BUILD'] ?? 'v1']);

/** As long as the test needs it, and deaf to everything else. */
async function untilTold(job: string): Promise<void> {
  for (;;) {
    const { rowCount } = await outside.query('select from told where job = $1', [job]);
    if (rowCount) return;
    await delay(30);
  }
}

/** `holdAt`: the item in whose middle it waits for the test. */
interface Items {
  readonly items: number;
  readonly holdAt?: number;
}

async function doItem(job: string, n: number, holdAt: number | undefined): Promise<void> {
  await mark(job, `item ${n}`);
  await (n === holdAt ? untilTold(job) : delay(20));
}

export const stateful = defineJob({
  name: 'stateful',
  taskQueue: 'kinds',
  heartbeatTimeout: '4s',
  checkpointEvery: 0,
  state: { initial: { at: 0 } },
  async *run(job, { items, holdAt }: Items) {
    await mark(job.id, `begin at ${job.state.at}`);
    for (let at = job.state.at; at < items; at += 1) {
      await doItem(job.id, at, holdAt);
      yield { at: at + 1 };
    }
    return 'done';
  },
});

export const stateless = defineJob({
  name: 'stateless',
  taskQueue: 'kinds',
  heartbeatTimeout: '4s',
  async *run(job, { items, holdAt }: Items) {
    await mark(job.id, 'begin');
    for (let at = 0; at < items; at += 1) {
      await doItem(job.id, at, holdAt);
      yield;
    }
    return 'done';
  },
});

async function* holding(job: { readonly id: string }) {
  await mark(job.id, 'begin');
  await untilTold(job.id);
  await mark(job.id, 'end');
  yield;
  return 'done';
}

const common = { taskQueue: 'kinds', heartbeatTimeout: '4s' } as const;
export const atomic = defineJob({ ...common, name: 'atomic', atomic: { maxDuration: '1m' }, run: holding });
export const brief = defineJob({ ...common, name: 'brief', atomic: { maxDuration: '4s' }, run: holding });
export const lasting = defineJob({ ...common, name: 'lasting', atomic: { maxDuration: '2h' }, run: holding });
export const repeatable = defineJob({
  ...common,
  name: 'repeatable',
  atomic: { maxDuration: '4s', onCrash: 'restart' },
  run: holding,
});
