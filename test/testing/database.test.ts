import { AssertionError } from 'node:assert';
import pg from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { defineJob } from '../../src/jobs/index.ts';
import type { Job, Steps } from '../../src/jobs/index.ts';
import { everyInterruption, runJobInTest } from '../../src/testing.ts';
import { atEnd } from '../support/at-end.ts';
import { freshDatabase } from '../support/database.ts';

// Without the tables of lockkeeper: they come by themselves.
const database = await freshDatabase({ empty: true });
const pool = new pg.Pool({ connectionString: database });
atEnd(() => pool.end());
beforeAll(async () => {
  await pool.query('create table item (id integer not null)');
});
const reset = () => pool.query('truncate item');
const outcome = async () => (await pool.query<{ id: number }>('select id from item order by id')).rows.map((r) => r.id);
beforeEach(reset);

interface State {
  readonly row: number;
}
type Step = (job: Job<State>, row: number) => Steps<State>;
const INSERT = 'insert into item (id) values ($1)';
const inserting = (step: Step) =>
  defineJob({
    name: 'inserting',
    taskQueue: 'q',
    state: { initial: { row: 0 } },
    async *run(job, input: { rows: number }) {
      for (let row = job.state.row + 1; row <= input.rows; row += 1) yield* step(job, row);
      return { rows: input.rows };
    },
  });
const together = inserting(async function* (job, row) {
  yield* job.transaction(async (sql, save) => {
    await sql.query(INSERT, [row]);
    save({ row });
  });
});
const statement = inserting(async function* (job, row) {
  yield* job.statement(INSERT, [row], { row });
});
const rows = 3;

test('killed in its transaction: rolled back, and a new slice goes on from the one before', async () => {
  const run = await runJobInTest(together, { rows }, { database, killAt: 2 });
  expect(run).toMatchObject({ outcome: 'done', result: { rows: 3 }, checkpoints: 4 });
  expect(run.slices).toEqual([
    { from: { row: 0 }, end: 'killed' },
    { from: { row: 1 }, end: 'done' },
  ]);
  expect(run.states).toEqual([{ row: 1 }, { row: 2 }, { row: 3 }]);
  expect(await outcome()).toEqual([1, 2, 3]);
});

test('killed in many transactions: no connection and no lock is left of any', async () => {
  const killAt = Array.from({ length: 30 }, (_, i) => 2 * (i + 1));
  const run = await runJobInTest(together, { rows: 31 }, { database: pool, killAt });
  expect(run.slices.filter(({ end }) => end === 'killed')).toHaveLength(30);
  expect(await outcome()).toHaveLength(31);
  const { rows: open } = await pool.query(
    `select from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`,
  );
  expect(open).toEqual([]);
});

test.each([
  ['a transaction', together],
  ['a statement', statement],
])('effect and checkpoint in %s pass every interruption and kill', async (_, job) => {
  expect(await everyInterruption(job, { rows }, { database, reset, outcome })).toEqual({ checkpoints: 3, runs: 8 });
});

test('a pool of the test is used, and stays open', async () => {
  await everyInterruption(together, { rows }, { database: pool, reset, outcome });
  expect(await outcome()).toEqual([1, 2, 3]);
});

test('a pool of one connection is enough', async () => {
  const one = new pg.Pool({ connectionString: database, max: 1 });
  try {
    await everyInterruption(together, { rows }, { database: one, reset, outcome });
  } finally {
    await one.end();
  }
});

test('interrupted, failed, cancelled: as without a database', async () => {
  const undoing = defineJob({
    name: 'undoing',
    taskQueue: 'q',
    state: { initial: { row: 0 } },
    run: (job, input: { rows: number }) => together.options.run(job, input),
    async *onCancel(job) {
      yield* job.statement('delete from item where id <= $1', [job.state.row], { row: 0 });
    },
  });
  const run = await runJobInTest(undoing, { rows }, { database, interruptAt: 1, failAt: 2, cancelAt: 3 });
  expect(run.slices.map(({ end }) => end)).toEqual(['interrupted', 'failed', 'cancelled', 'cancelled']);
  expect(run.outcome).toBe('cancelled');
  expect(await outcome()).toEqual([]);
});

describe('a transaction written wrong is caught', () => {
  const complaint = async (job: typeof together) => {
    const error: unknown = await everyInterruption(job, { rows }, { database, reset, outcome }).then(
      () => 'no complaint',
      (e: unknown) => e,
    );
    if (!(error instanceof AssertionError)) throw new Error(`no AssertionError: ${String(error)}`, { cause: error });
    return error.message;
  };

  test('whose effect goes through a connection of the job', async () => {
    const message = await complaint(
      inserting(async function* (job, row) {
        yield* job.transaction(async (_sql, save) => {
          await pool.query(INSERT, [row]);
          save({ row });
        });
      }),
    );
    expect(message).toMatch(/did not end as if undisturbed in 3 of 7 runs/);
    expect(message).toMatch(/killed at checkpoint 2 \(went on from { row: 1 }\): \[ 1, 2, 2, 3 \]/);
  });

  test('whose effect comes before it', async () => {
    const message = await complaint(
      inserting(async function* (job, row) {
        await pool.query(INSERT, [row]);
        yield* job.statement('select $1::integer', [row], { row });
      }),
    );
    expect(message).toMatch(/killed at checkpoint 1 \(went on from { row: 0 }\): \[ 1, 1, 2, 3 \]/);
  });
});

test.each<[string, Step, string]>([
  [
    'yield* forgotten',
    async function* (job, row) {
      job.transaction(async (_sql, save) => save({ row }));
      yield { row };
    },
    'TRANSACTION_NOT_ITERATED',
  ],
  [
    'yield* forgotten for a statement',
    async function* (job, row) {
      job.statement(INSERT, [row], { row });
      yield { row };
    },
    'TRANSACTION_NOT_ITERATED',
  ],
  [
    'no save',
    async function* (job) {
      yield* job.transaction(async (sql) => sql.query('select 1'));
    },
    'TRANSACTION_WITHOUT_SAVE',
  ],
])('%s is the same error as in production', async (_, step, code) => {
  await expect(runJobInTest(inserting(step), { rows }, { database })).rejects.toMatchObject({ code });
  expect(await outcome()).toEqual([]);
});

test('a body that forgets its save is told so, not killed', async () => {
  const forgetful = inserting(async function* (job) {
    yield* job.transaction(async (sql) => sql.query('select 1'));
  });
  await expect(runJobInTest(forgetful, { rows }, { database, killAt: 1 })).rejects.toMatchObject({
    code: 'TRANSACTION_WITHOUT_SAVE',
  });
});

test('an old state goes through the ledger, too', async () => {
  const resumeFrom = { state: { row: 2 } };
  const run = await runJobInTest(together, { rows }, { database, resumeFrom, killAt: 1 });
  expect(run.slices.map(({ from }) => from)).toEqual([{ row: 2 }, { row: 2 }]);
  expect(await outcome()).toEqual([3]);
});

test('killed five times without progress: quarantined by the ledger', async () => {
  await expect(runJobInTest(together, { rows }, { database, killAt: [1, 2, 3, 4, 5] })).rejects.toThrow(
    /is quarantined: interrupted 5 times without progress since checkpoint 0/,
  );
});

test('nothing of the job stays in the ledger, however the run ended', async () => {
  await runJobInTest(together, { rows }, { database, killAt: 2 });
  await runJobInTest(together, { rows: 1 }, { database, interruptAt: 9 }).catch(() => undefined);
  const { rows: left } = await pool.query(
    `select 'job' as what from lockkeeper._jobs union all select 'claim' from lockkeeper._claims
     union all select 'checkpoint' from lockkeeper._checkpoints`,
  );
  expect(left).toEqual([]);
});

test('a database that does not answer', async () => {
  await expect(
    runJobInTest(together, { rows }, { database: 'postgres://nobody@127.0.0.1:1/none' }),
  ).rejects.toMatchObject({ code: 'LEDGER_UNREACHABLE' });
});
