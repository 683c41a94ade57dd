import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { defineJob } from '../../src/jobs/index.ts';
import type { Job, Sql, Steps } from '../../src/jobs/index.ts';
import { isRetryable } from '../../src/jobs/run-slice.ts';
import { begin, openQueue, untilBlocked } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { failureOf, runOne, savedIn, startSlice } from './slices.ts';

const ledger = await freshLedger();
const taskQueue = await openQueue(ledger);
beforeAll(async () => {
  await ledger.pool.query('create table item (run text not null, id integer not null, primary key (run, id))');
  await ledger.pool.query(
    'create table counter (run text not null, name text not null, n integer not null, primary key (run, name))',
  );
});

let run = '';
let runs = 0;
beforeEach(async () => {
  runs += 1;
  run = `run ${runs}`;
  await ledger.pool.query(`insert into counter (run, name, n) values ($1, 'a', 0), ($1, 'b', 0)`, [run]);
});

interface State {
  readonly row: number;
}
const start: State = { row: 0 };
const job = (steps: (job: Job<State>) => Steps<State, unknown>) =>
  defineJob({
    name: 'insert',
    taskQueue: 'q',
    state: { initial: start },
    checkpointEvery: '1h',
    run: steps,
  });
const here = { ledger, taskQueue };
const insert = (sql: Sql, id: number) => sql.query('insert into item (run, id) values ($1, $2)', [run, id]);
const items = async (): Promise<number[]> =>
  (await ledger.pool.query<{ id: number }>('select id from item where run = $1 order by id', [run])).rows.map(
    (row) => row.id,
  );
const counter = async (name: string): Promise<number | undefined> =>
  (await ledger.pool.query<{ n: number }>('select n from counter where run = $1 and name = $2', [run, name])).rows[0]
    ?.n;

test('effect and checkpoint are there together, the result comes back, and job.state is what was saved', async () => {
  const { key, end } = await runOne(
    job(async function* (job) {
      const results: unknown[] = [];
      for (let row = 1; row <= 3; row += 1) {
        results.push(
          yield* job.transaction(async (sql, save) => {
            await insert(sql, row);
            save({ row });
            return `row ${row}`;
          }),
        );
        expect(job.state).toEqual({ row });
      }
      yield* job.statement('insert into item (run, id) values ($1, $2)', [run, 4], { row: 4 });
      expect(job.state).toEqual({ row: 4 });
      return results;
    }),
    here,
  );
  expect(end).toEqual({ kind: 'done', result: ['row 1', 'row 2', 'row 3'] });
  expect(await items()).toEqual([1, 2, 3, 4]);
  expect(await savedIn(ledger, key)).toMatchObject({ seq: 5, kind: 'done' });
});

test('a stop after a transaction: the job steps aside with what it saved, no further checkpoint', async () => {
  const stop = new AbortController();
  const { key, end } = await runOne(
    job(async function* (job) {
      yield { row: 1 };
      stop.abort('a deploy');
      yield* job.transaction(async (sql, save) => {
        await insert(sql, 2);
        save({ row: 2 });
      });
      throw new Error('must not be reached');
    }),
    { ...here, stopping: stop.signal },
  );
  // The first yield was still in memory: the stop at it was not asked for yet.
  expect(end).toEqual({ kind: 'yielded', reason: 'a deploy' });
  expect(await savedIn(ledger, key)).toEqual({ seq: 1, kind: 'state', value: { row: 2 } });
});

describe('an error in the body', () => {
  test('rolls everything back and reaches the job, whose state is as before', async () => {
    const slice = await startSlice(
      job(async function* (job) {
        yield { row: 5 };
        try {
          yield* job.transaction(async (sql, save) => {
            await insert(sql, 1);
            save({ row: 6 });
            throw new Error('the body failed');
          });
        } finally {
          expect(job.state).toEqual({ row: 5 });
        }
      }),
      here,
    );
    expect(await failureOf(slice)).toMatchObject({ message: 'the body failed' });
    expect(await items()).toEqual([]);
    expect(await savedIn(ledger, slice.key)).toEqual({ seq: 1, kind: 'state', value: { row: 5 } });
  });

  test('that the job handles lets it go on with the next transaction', async () => {
    const { end } = await runOne(
      job(async function* (job) {
        const one = (id: number) =>
          job.transaction(async (sql, save) => {
            await insert(sql, id);
            save({ row: id });
          });
        yield* one(1);
        try {
          yield* one(1);
        } catch (error) {
          expect(error).toMatchObject({ code: '23505' });
        }
        yield* one(2);
      }),
      here,
    );
    expect(end.kind).toBe('done');
    expect(await items()).toEqual([1, 2]);
  });

  test('of one query, swallowed by the body: nothing of the transaction is kept', async () => {
    const slice = await startSlice(
      job(async function* (job) {
        yield* job.transaction(async (sql, save) => {
          await insert(sql, 1);
          await sql.query('select from nowhere').catch(() => undefined);
          save({ row: 1 });
        });
      }),
      here,
    );
    expect(await failureOf(slice)).toMatchObject({ code: '25P02' });
    expect(await items()).toEqual([]);
    expect(await savedIn(ledger, slice.key)).toEqual({ seq: 0 });
  });

  test('at COMMIT, by a deferred constraint, rolls everything back', async () => {
    await ledger.pool.query('create table deferred (id integer unique deferrable initially deferred)');
    const slice = await startSlice(
      job(async function* (job) {
        yield* job.transaction(async (sql, save) => {
          await insert(sql, 1);
          await sql.query('insert into deferred values (1), (1)');
          save({ row: 1 });
        });
      }),
      here,
    );
    expect(await failureOf(slice)).toMatchObject({ code: '23505' });
    expect(await items()).toEqual([]);
    expect(await savedIn(ledger, slice.key)).toEqual({ seq: 0 });
  });

  test('a state that cannot be saved: nothing is written', async () => {
    const slice = await startSlice(
      job(async function* (job) {
        yield* job.transaction(async (sql, save) => {
          await insert(sql, 1);
          save({ row: 1n as never });
        });
      }),
      here,
    );
    expect(await failureOf(slice)).toMatchObject({ code: 'STATE_INVALID' });
    expect(await items()).toEqual([]);
  });
});

test('a statement that fails writes neither effect nor checkpoint', async () => {
  await ledger.pool.query('insert into item (run, id) values ($1, 1)', [run]);
  const slice = await startSlice(
    job(async function* (job) {
      yield* job.statement('insert into item (run, id) values ($1, 2), ($1, 1)', [run], { row: 1 });
    }),
    here,
  );
  expect(await failureOf(slice)).toMatchObject({ code: '23505' });
  expect(await items()).toEqual([1]);
  expect(await savedIn(ledger, slice.key)).toEqual({ seq: 0 });
});

test('a statement may end with a comment', async () => {
  await runOne(
    job(async function* (job) {
      yield* job.statement('insert into item (run, id) values ($1, 1) -- the first', [run], { row: 1 });
    }),
    here,
  );
  expect(await items()).toEqual([1]);
});

describe('others in the way', () => {
  test('a serialization failure: the body runs again, and its effect is there once', async () => {
    let bodies = 0;
    const { end } = await runOne(
      job(async function* (job) {
        return yield* job.transaction(async (sql, save) => {
          bodies += 1;
          await sql.query('set transaction isolation level repeatable read');
          const { rows } = await sql.query<{ n: number }>(`select n from counter where run = $1 and name = 'a'`, [run]);
          if (bodies === 1) await ledger.pool.query(`update counter set n = 10 where run = $1 and name = 'a'`, [run]);
          await sql.query(`update counter set n = n + 1 where run = $1 and name = 'a'`, [run]);
          save({ row: 1 });
          return rows[0]?.n;
        });
      }),
      here,
    );
    expect(end).toEqual({ kind: 'done', result: 10 });
    expect(bodies).toBe(2);
    expect(await counter('a')).toBe(11);
  });

  test('a deadlock: the body runs again, and its effect is there once', async () => {
    let bodies = 0;
    const other = await begin(ledger);
    await other.query(`set local deadlock_timeout = '20s'`);
    const increase = (name: string) => `update counter set n = n + 1 where run = '${run}' and name = '${name}'`;
    await other.query(increase('b'));
    const slice = await startSlice(
      job(async function* (job) {
        yield* job.transaction(async (sql, save) => {
          bodies += 1;
          await sql.query(`set local deadlock_timeout = '2s'`);
          await sql.query(increase('a'));
          await sql.query(increase('b'));
          save({ row: 1 });
        });
      }),
      here,
    );
    await untilBlocked(ledger, 1);
    // Now each waits for the other; the slice has waited longer and is the one that Postgres ends.
    await other.query(increase('a'));
    await other.query('commit');
    expect((await slice.ended).kind).toBe('done');
    // Postgres may let the second run in before the one that waits: then they meet once more.
    expect(bodies).toBeGreaterThanOrEqual(2);
    expect([await counter('a'), await counter('b')]).toEqual([2, 2]);
    expect(await savedIn(ledger, slice.key)).toMatchObject({ seq: 2 });
  });

  test('a serialization failure that the body wraps in an error of its own: it runs again all the same', async () => {
    let bodies = 0;
    const { end } = await runOne(
      job(async function* (job) {
        yield* job.transaction(async (sql, save) => {
          bodies += 1;
          await sql.query('set transaction isolation level repeatable read');
          await sql.query('select from counter where run = $1', [run]);
          if (bodies === 1) await ledger.pool.query('update counter set n = 10 where run = $1', [run]);
          try {
            await sql.query('update counter set n = n + 1 where run = $1', [run]);
          } catch (error) {
            throw new Error('the counter could not be written', { cause: error });
          }
          save({ row: 1 });
        });
      }),
      here,
    );
    expect(end.kind).toBe('done');
    expect(bodies).toBe(2);
    expect(await counter('a')).toBe(11);
  });

  test('ten times in a row: the error of the job, whose retry budget takes over', async () => {
    let bodies = 0;
    const slice = await startSlice(
      job(async function* (job) {
        yield* job.transaction(async (sql, save) => {
          bodies += 1;
          await sql.query('set transaction isolation level repeatable read');
          await sql.query('select from counter where run = $1', [run]);
          await ledger.pool.query('update counter set n = n + 100 where run = $1', [run]);
          await sql.query('update counter set n = n + 1 where run = $1', [run]);
          save({ row: 1 });
        });
      }),
      here,
    );
    const error = await failureOf(slice);
    expect(error).toMatchObject({ code: '40001' });
    expect(isRetryable(error)).toBe(true);
    expect(bodies).toBe(10);
    expect(await counter('a')).toBe(1_000);
    expect(await savedIn(ledger, slice.key)).toEqual({ seq: 0 });
  });
});

describe('written wrong', () => {
  const expectHopeless = async (steps: (job: Job<State>) => Steps<State, unknown>, code: string, words: RegExp) => {
    const slice = await startSlice(job(steps), here);
    const error = await failureOf(slice);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toMatch(words);
    expect(isRetryable(error)).toBe(false);
    expect(await items()).toEqual([]);
    return savedIn(ledger, slice.key);
  };
  const forgotten = (job: Job<State>) =>
    job.transaction(async (sql, save) => {
      await insert(sql, 1);
      save({ row: 1 });
    });

  test('yield* forgotten: an error at the next yield, which is not kept', async () => {
    const saved = await expectHopeless(
      async function* (job) {
        forgotten(job);
        yield { row: 2 };
      },
      'TRANSACTION_NOT_ITERATED',
      /made and not iterated.*yield\* job\.transaction/,
    );
    expect(saved).toEqual({ seq: 0 });
  });

  test('yield* forgotten: an error at the return, and the job is not done', async () => {
    const saved = await expectHopeless(
      async function* (job) {
        forgotten(job);
        return 'nothing was done';
      },
      'TRANSACTION_NOT_ITERATED',
      /made and not iterated/,
    );
    expect(saved).toEqual({ seq: 0 });
  });

  test('yield* forgotten for a statement: an error too', async () => {
    await expectHopeless(
      async function* (job) {
        job.statement('insert into item (run, id) values ($1, 1)', [run], { row: 1 });
        yield { row: 1 };
      },
      'TRANSACTION_NOT_ITERATED',
      /made and not iterated/,
    );
  });

  test('one transaction inside another: an error, and nothing of either is kept', async () => {
    const saved = await expectHopeless(
      async function* (job) {
        yield* job.transaction(async (sql, save) => {
          await insert(sql, 1);
          for await (const saved of forgotten(job)) expect(saved).toBeUndefined();
          save({ row: 1 });
        });
      },
      'TRANSACTION_NESTED',
      /while another one was open/,
    );
    expect(saved).toEqual({ seq: 0 });
  });

  test('no save: an error, and nothing is kept', async () => {
    const saved = await expectHopeless(
      async function* (job) {
        yield* job.transaction(async (sql) => {
          await insert(sql, 1);
        });
      },
      'TRANSACTION_WITHOUT_SAVE',
      /without calling save\(\)/,
    );
    expect(saved).toEqual({ seq: 0 });
  });

  test('a query after the body has ended is refused', async () => {
    let kept: Sql | undefined;
    const { end } = await runOne(
      job(async function* (job) {
        yield* job.transaction(async (sql, save) => {
          kept = sql;
          save({ row: 1 });
        });
        await expect(kept!.query('select 1')).rejects.toMatchObject({ code: 'TRANSACTION_NESTED' });
        return 'refused';
      }),
      here,
    );
    expect(end).toEqual({ kind: 'done', result: 'refused' });
  });
});

test('of several saves in one body the last one counts', async () => {
  const stop = AbortSignal.abort('a deploy');
  const { key } = await runOne(
    job(async function* (job) {
      yield* job.transaction(async (sql, save) => {
        save({ row: 1 });
        await insert(sql, 1);
        save({ row: 2 });
      });
    }),
    { ...here, stopping: stop },
  );
  expect(await savedIn(ledger, key)).toEqual({ seq: 1, kind: 'state', value: { row: 2 } });
});
