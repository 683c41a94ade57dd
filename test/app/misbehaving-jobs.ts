import { setTimeout as delay } from 'node:timers/promises';
import { defineJob } from '../../src/index.ts';

const INSERT = 'insert into effect (job, n, build) values ($1, $2, $3)';

/** Blocks the whole process for a while, the first time, between its first and its second row. */
export const blocking = defineJob({
  name: 'blocking',
  taskQueue: 'numbers',
  heartbeatTimeout: '3s',
  state: { initial: { at: 0 } },
  async *run(job, input: { ms: number }) {
    for (let at = job.state.at; at < 2; at += 1) {
      let first = false;
      yield* job.transaction(async (sql, save) => {
        await sql.query(INSERT, [job.id, at, `${process.pid}`]);
        const { rowCount } = await sql.query('select from effect where job = $1', [job.id]);
        first = rowCount === 1 && at === 0;
        save({ at: at + 1 });
      });
      for (const until = Date.now() + (first ? input.ms : 0); Date.now() < until;);
    }
    return process.pid;
  },
});

/** Its `finally` never ends when it steps aside. */
export const hangingFinally = defineJob({
  name: 'hangingFinally',
  taskQueue: 'numbers',
  state: { initial: { at: 0 } },
  async *run(job, input: { to: number }) {
    let over = false;
    try {
      for (let at = job.state.at; at < input.to; at += 1) {
        await delay(20);
        yield { at: at + 1 };
      }
      over = true;
    } finally {
      if (!over) await delay(600_000, undefined, { ref: false });
    }
  },
});

const THROWN: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  string: () => 'just words',
  frozen: () => Object.freeze(new Error('frozen')),
  getter: () =>
    Object.defineProperty(new Error('never read'), 'message', {
      get() {
        throw new Error('the getter of a message threw');
      },
    }),
  huge: () => new Error('h'.repeat(5 * 1024 * 1024)),
  cyclic: () => {
    const error: Error = new Error('cyclic');
    error.cause = error;
    return error;
  },
};

/** Throws what nobody should throw. */
export const throwing = defineJob({
  name: 'throwing',
  taskQueue: 'numbers',
  retry: { maximumAttempts: 2, initialInterval: '10ms' },
  state: { initial: {} },
  async *run(_job, input: { what: string }) {
    await delay(1);
    throw THROWN[input.what]!();
  },
});

/** Leaves a promise behind that is rejected and that nobody awaits. */
export const careless = defineJob({
  name: 'careless',
  taskQueue: 'numbers',
  state: { initial: {} },
  async *run() {
    void Promise.reject(new Error('nobody awaits this'));
    await delay(100);
    yield {};
    return 'done';
  },
});

/** Is not stopped once begun, and says when it begins and ends. */
export const atomic = defineJob({
  name: 'atomic',
  taskQueue: 'numbers',
  atomic: { maxDuration: '1m' },
  async *run(job, input: { ms: number; marks: string }) {
    const { appendFile } = await import('node:fs/promises');
    await appendFile(input.marks, 'begins\n');
    await delay(input.ms);
    yield undefined;
    await appendFile(input.marks, 'ends\n');
    return job.id;
  },
});

/** The same, for work that may be done again. */
export const atomicAgain = defineJob({
  ...atomic.options,
  name: 'atomicAgain',
  atomic: { maxDuration: '1m', onCrash: 'restart' },
});
