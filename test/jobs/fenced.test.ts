import { beforeAll, describe, expect, test } from 'vitest';
import { defineJob } from '../../src/jobs/index.ts';
import type { Job, Steps } from '../../src/jobs/index.ts';
import { endForeignClaim } from '../../src/ledger/claims.ts';
import { claim, head, openQueue, untilBlocked } from '../support/claiming.ts';
import { eventually } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { savedIn, startSlice } from './slices.ts';

const ledger = await freshLedger();
const taskQueue = await openQueue(ledger);
beforeAll(async () => {
  await ledger.pool.query('create table item (run text not null, id integer not null)');
});

interface State {
  readonly row: number;
}
const start: State = { row: 0 };
const items = async (run: string) => (await ledger.pool.query('select from item where run = $1', [run])).rowCount;
const takeOver = (key: string) => claim(ledger, { taskQueue, key });

interface Way {
  readonly name: string;
  readonly step: (job: Job<State>, run: string, row: number) => Steps<State>;
  readonly effects: boolean;
}
const ways: Way[] = [
  {
    name: 'transactions',
    step: async function* (job, run, row) {
      yield* job.transaction(async (sql, save) => {
        await sql.query('insert into item (run, id) values ($1, $2)', [run, row]);
        save({ row });
      });
    },
    effects: true,
  },
  {
    name: 'statements',
    step: async function* (job, run, row) {
      yield* job.statement('insert into item (run, id) values ($1, $2)', [run, row], { row });
    },
    effects: true,
  },
  {
    name: 'plain yields',
    step: async function* (_job, _run, row) {
      yield { row };
    },
    effects: false,
  },
];

describe.each(ways)('a slice of $name whose job was taken over', (way) => {
  const inserting = (steps: (job: Job<State>) => Steps<State, unknown>) =>
    defineJob({
      name: 'inserting',
      taskQueue: 'q',
      state: { initial: start },
      checkpointEvery: 0,
      run: steps,
    });

  test('ends as fenced, runs its finally, and writes nothing more', async () => {
    const run = `plain ${way.name}`;
    let closed = 0;
    const slice = await startSlice(
      inserting(async function* (job) {
        try {
          for (let row = 1; ; row += 1) {
            if (row === 3) await takeOver(run);
            yield* way.step(job, run, row);
          }
        } finally {
          closed += 1;
        }
      }),
      { ledger, taskQueue, key: run },
    );
    expect(await slice.ended).toEqual({ kind: 'fenced' });
    expect(closed).toBe(1);
    expect(await items(run)).toBe(way.effects ? 2 : 0);
    expect(await savedIn(ledger, run)).toMatchObject({ seq: 2, value: { row: 2 } });
    expect(await head(ledger, run)).toMatchObject({ epoch: 2, state: 'running' });
  });

  test('writes nothing more although the job swallows the error and goes on', async () => {
    const run = `swallowing ${way.name}`;
    const swallowed: unknown[] = [];
    let row = 0;
    const slice = await startSlice(
      inserting(async function* (job) {
        while (row < 6) {
          row += 1;
          if (row === 3) await takeOver(run);
          try {
            yield* way.step(job, run, row);
          } catch (error) {
            swallowed.push(error);
          }
        }
        return 'all rows';
      }),
      { ledger, taskQueue, key: run },
    );
    expect(await slice.ended).toEqual({ kind: 'fenced' });
    expect(await items(run)).toBe(way.effects ? 2 : 0);
    expect(await savedIn(ledger, run)).toMatchObject({ seq: 2, kind: 'state', value: { row: 2 } });
    for (const error of swallowed) expect(error).toMatchObject({ code: 'FENCED' });
    if (way.effects) expect(swallowed.length).toBeGreaterThan(0);
  });

  test('is not done by returning, although the job swallows the error', async () => {
    const run = `returning ${way.name}`;
    const slice = await startSlice(
      inserting(async function* (job) {
        yield* way.step(job, run, 1);
        await takeOver(run);
        try {
          yield* way.step(job, run, 2);
        } catch (error) {
          expect(error).toMatchObject({ code: 'FENCED' });
        }
        return 'as if nothing were';
      }),
      { ledger, taskQueue, key: run },
    );
    expect(await slice.ended).toEqual({ kind: 'fenced' });
    expect(await head(ledger, run)).toMatchObject({ state: 'running', seq: 1 });
  });
});

test('a slice that was given up in the middle of a transaction: its session ends, its effect is undone, it ends as fenced', async () => {
  const run = 'given up in the middle';
  let inside = false;
  let goOn = (): void => undefined;
  const waiting = new Promise<void>((resolve) => (goOn = resolve));
  const slice = await startSlice(
    defineJob({
      name: 'inside',
      taskQueue: 'q',
      state: { initial: start },
      async *run(job) {
        yield* job.transaction(async (sql, save) => {
          await sql.query('insert into item (run, id) values ($1, 1)', [run]);
          inside = true;
          await waiting;
          await sql.query('insert into item (run, id) values ($1, 2)', [run]);
          save({ row: 2 });
        });
      },
    }),
    { ledger, taskQueue, key: run },
  );
  await eventually(() => expect(inside).toBe(true));
  expect(await endForeignClaim(ledger, slice.claim, 'fenced', 'given up')).toEqual({ ended: true });
  goOn();
  expect(await slice.ended).toEqual({ kind: 'fenced' });
  expect(await items(run)).toBe(0);
});

test('a job taken over while its save waits: the save is refused', async () => {
  const run = 'taken over while it saves';
  const holder = await ledger.pool.connect();
  try {
    const slice = await startSlice(
      defineJob({
        name: 'saving',
        taskQueue: 'q',
        state: { initial: start },
        checkpointEvery: 0,
        async *run() {
          await holder.query('begin');
          await holder.query('select from lockkeeper._jobs where key = $1 for update', [run]);
          yield { row: 1 };
        },
      }),
      { ledger, taskQueue, key: run },
    );
    await untilBlocked(ledger, 1);
    await holder.query(`update lockkeeper._jobs set epoch = epoch + 1 where key = $1`, [run]);
    await holder.query('commit');
    expect(await slice.ended).toEqual({ kind: 'fenced' });
    expect(await savedIn(ledger, run)).toEqual({ seq: 0 });
  } finally {
    holder.release();
  }
});
