import { setTimeout as delay } from 'node:timers/promises';
import { defineJob } from '../../src/index.ts';

/** The table every test job writes to; no unique index, so that what is done twice shows. */
export const EFFECT_TABLE =
  'create table effect (job text not null, n integer not null, build text not null, at timestamptz not null default clock_timestamp())';

/** Writes the numbers 0 … to-1, one a transaction, `everyMs` apart. */
export const count = defineJob({
  name: 'count',
  taskQueue: 'numbers',
  heartbeatTimeout: '4s',
  state: { initial: { at: 0 } },
  async *run(job, input: { to: number; everyMs: number }) {
    for (let at = job.state.at; at < input.to; at += 1) {
      yield* job.transaction(async (sql, save) => {
        await sql.query('insert into effect (job, n, build) values ($1, $2, $3)', [
          job.id,
          at,
          process.env['BUILD'] ?? 'v1',
        ]);
        save({ at: at + 1 });
      });
      job.progress(at + 1, input.to);
      await delay(input.everyMs);
    }
    return { counted: input.to };
  },
});

/** Counts until there is a row with n = -1: as long as the test needs it, however slow the machine is. */
export const countUntilTold = defineJob({
  name: 'countUntilTold',
  taskQueue: 'numbers',
  state: { initial: { at: 0 } },
  async *run(job) {
    for (let told = false; !told;) {
      const { at } = job.state;
      told = yield* job.transaction(async (sql, save) => {
        await sql.query('insert into effect (job, n, build) values ($1, $2, $3)', [job.id, at, 'v1']);
        save({ at: at + 1 });
        const { rowCount } = await sql.query('select from effect where job = $1 and n = -1', [job.id]);
        return (rowCount ?? 0) > 0;
      });
      await delay(20);
    }
    return { counted: job.state.at };
  },
});

/** Stays inside one transaction for a while, its connection idle, its effect written. */
export const pausing = defineJob({
  name: 'pausing',
  taskQueue: 'numbers',
  heartbeatTimeout: '4s',
  state: { initial: { done: false } },
  async *run(job, input: { ms: number }) {
    if (job.state.done) return;
    yield* job.transaction(async (sql, save) => {
      await sql.query('insert into effect (job, n, build) values ($1, 0, $2)', [job.id, 'v1']);
      await delay(input.ms);
      save({ done: true });
    });
  },
});

/** One transaction that takes a while. */
export const slow = defineJob({
  name: 'slow',
  taskQueue: 'numbers',
  state: { initial: { done: false } },
  async *run(job, input: { seconds: number }) {
    if (job.state.done) return;
    yield* job.transaction(async (sql, save) => {
      await sql.query('select pg_sleep($1)', [input.seconds]);
      await sql.query('insert into effect (job, n, build) values ($1, 0, $2)', [job.id, 'v1']);
      save({ done: true });
    });
  },
});

/** Works for long stretches without a yield, and ignores that it should stop. */
export const stubborn = defineJob({
  name: 'stubborn',
  taskQueue: 'numbers',
  heartbeatTimeout: '4s',
  state: { initial: { rounds: 0 } },
  async *run(job, input: { rounds: number; everyMs: number }) {
    for (let rounds = job.state.rounds; rounds < input.rounds; rounds += 1) {
      await delay(input.everyMs);
      yield { rounds: rounds + 1 };
    }
    return { rounds: input.rounds };
  },
});

/** Fails as often as it is told, each time after a checkpoint of its own or before any. */
export const failing = defineJob({
  name: 'failing',
  taskQueue: 'numbers',
  retry: { maximumAttempts: 3, initialInterval: '100ms', backoffCoefficient: 1 },
  state: { initial: { done: 0 } },
  async *run(job, input: { progress: boolean; times: number }) {
    for (let done = job.state.done; done < input.times; done += 1) {
      if (input.progress) yield { done: done + 1 };
      throw new Error(`failure ${done + 1}`);
    }
    return 'good in the end';
  },
});

/** Compensates in SQL when it is cancelled. */
export const cancellable = defineJob({
  name: 'cancellable',
  taskQueue: 'numbers',
  heartbeatTimeout: '4s',
  state: { initial: { at: 0 } },
  async *run(job, input: { to: number }) {
    for (let at = job.state.at; at < input.to; at += 1) {
      await delay(20, undefined, { signal: job.cancellationSignal }).catch(() => undefined);
      yield { at: at + 1 };
    }
  },
  async *onCancel(job) {
    yield* job.transaction(async (sql, save) => {
      await sql.query('insert into effect (job, n, build) values ($1, $2, $3)', [job.id, -1, 'compensated']);
      save(job.state);
    });
  },
});

export const large = defineJob({
  name: 'large',
  taskQueue: 'numbers',
  async *run(_job, input: { bytes: number }) {
    yield undefined;
    return 'x'.repeat(input.bytes);
  },
});
