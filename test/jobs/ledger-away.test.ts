import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { defineJob } from '../../src/jobs/index.ts';
import type { Job, Steps } from '../../src/jobs/index.ts';
import type { SliceEnd } from '../../src/jobs/run-slice.ts';
import { openQueue } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { LedgerProxy } from '../support/ledger-proxy.ts';
import { savedIn, startSlice } from './slices.ts';
import type { RunningSlice, SliceOptions } from './slices.ts';

const direct = await freshLedger();
const taskQueue = await openQueue(direct);
beforeAll(async () => {
  await direct.pool.query('create table item (run text not null, id integer not null)');
});

let proxy: LedgerProxy;
let through: SliceOptions;
beforeEach(async () => {
  proxy = await LedgerProxy.start(direct.databaseUrl);
  through = { ledger: await freshLedger({ databaseUrl: proxy.databaseUrl }), taskQueue };
});

interface State {
  readonly row: number;
}
const start: State = { row: 0 };
type Step = (job: Job<State>, run: string, row: number) => Steps<State>;
const transaction: Step = async function* (job, run, row) {
  yield* job.transaction(async (sql, save) => {
    await sql.query('insert into item (run, id) values ($1, $2)', [run, row]);
    save({ row });
  });
};
const statement: Step = async function* (job, run, row) {
  yield* job.statement('insert into item (run, id) values ($1, $2)', [run, row], { row });
};
const plain: Step = async function* (_job, _run, row) {
  yield { row };
};
const ways = [
  { name: 'transactions', step: transaction, effects: true },
  { name: 'statements', step: statement, effects: true },
  { name: 'plain yields', step: plain, effects: false },
];

const rows = (run: (job: Job<State>) => Steps<State, unknown>) =>
  defineJob({ name: 'rows', taskQueue: 'q', state: { initial: start }, checkpointEvery: 0, run });
const items = async (run: string): Promise<number[]> =>
  (await direct.pool.query<{ id: number }>('select id from item where run = $1 order by id', [run])).rows.map(
    (row) => row.id,
  );

async function timed(slice: RunningSlice): Promise<{ end: SliceEnd; ms: number }> {
  const began = performance.now();
  const end = await slice.ended;
  return { end, ms: performance.now() - began };
}

describe.each(ways)('$name', ({ name, step, effects }) => {
  test('while the ledger is away for 2 s in the middle: the job waits and goes on, nothing twice, nothing left out', async () => {
    const run = `away, ${name}`;
    const slice = await startSlice(
      rows(async function* (job) {
        for (let row = 1; row <= 6; row += 1) {
          if (row === 4) {
            proxy.goAway();
            const ours = proxy;
            setTimeout(() => ours.comeBack(), 2_000);
          }
          yield* step(job, run, row);
        }
        return 'all rows';
      }),
      through,
    );
    const { end, ms } = await timed(slice);
    expect(end).toEqual({ kind: 'done', result: 'all rows' });
    expect(ms).toBeGreaterThan(1_900);
    expect(await items(run)).toEqual(effects ? [1, 2, 3, 4, 5, 6] : []);
    expect(await savedIn(direct, slice.key)).toMatchObject({ seq: 7, kind: 'done' });
  });

  test('cut off every few rows: once each', async () => {
    const run = `cut, ${name}`;
    // A timer that fires after the end must not cut what the next test has.
    const ours = proxy;
    const slice = await startSlice(
      rows(async function* (job) {
        for (let row = 1; row <= 30; row += 1) {
          // Whatever is under way a moment later loses its connection, wherever it is.
          if (row % 3 === 0) setTimeout(() => ours.cut(), row % 7);
          yield* step(job, run, row);
        }
        return 'all rows';
      }),
      through,
    );
    expect((await slice.ended).kind).toBe('done');
    expect(await items(run)).toEqual(effects ? Array.from({ length: 30 }, (_, i) => i + 1) : []);
    expect(await savedIn(direct, slice.key)).toMatchObject({ seq: 31, kind: 'done' });
  });

  test('when the ledger stays away beyond the slice’s patience: an interruption, after finally has run', async () => {
    const run = `gone, ${name}`;
    let closed = 0;
    const definition = rows(async function* (job) {
      try {
        for (let row = job.state.row + 1; row <= 4; row += 1) {
          if (row === 3 && closed === 0) proxy.goAway();
          yield* step(job, run, row);
        }
        return job.state.row;
      } finally {
        closed += 1;
      }
    });
    const slice = await startSlice(definition, { ...through, patienceMs: 1_500 });
    const { end, ms } = await timed(slice);
    expect(end).toEqual({ kind: 'ledgerAway' });
    expect(closed).toBe(1);
    // It waits once, not once more for what could not be saved anyway.
    expect(ms).toBeGreaterThan(1_400);
    expect(ms).toBeLessThan(2_900);

    proxy.comeBack();
    const again = await startSlice(definition, { ...through, key: slice.key });
    expect(await again.ended).toEqual({ kind: 'done', result: 4 });
    expect(await items(run)).toEqual(effects ? [1, 2, 3, 4] : []);
  });
});

describe('a job that does not let the error through', () => {
  const patient = { patienceMs: 400 };

  test('by an error of its own: an interruption all the same', async () => {
    const slice = await startSlice(
      rows(async function* (job) {
        proxy.goAway();
        try {
          yield* transaction(job, 'wrapped', 1);
        } catch (error) {
          throw new Error('the import failed', { cause: error });
        }
      }),
      { ...through, ...patient },
    );
    expect(await slice.ended).toEqual({ kind: 'ledgerAway' });
  });

  test('by swallowing it: the slice ends at the next yield, and nothing of it counts', async () => {
    let after = 0;
    const slice = await startSlice(
      rows(async function* (job) {
        for (let row = 1; row <= 5; row += 1) {
          if (row === 2) proxy.goAway();
          try {
            yield* transaction(job, 'swallowed', row);
          } catch {
            after += 1;
            proxy.comeBack();
          }
        }
      }),
      { ...through, ...patient },
    );
    expect(await slice.ended).toEqual({ kind: 'ledgerAway' });
    expect(after).toBeGreaterThan(0);
    expect(await savedIn(direct, slice.key)).toMatchObject({ kind: 'state' });
  });

  test('by swallowing it and returning: the job is not done', async () => {
    const slice = await startSlice(
      rows(async function* (job) {
        yield* transaction(job, 'returned', 1);
        proxy.goAway();
        try {
          yield* transaction(job, 'returned', 2);
        } catch {
          proxy.comeBack();
        }
        return 'as if nothing were';
      }),
      { ...through, ...patient },
    );
    expect(await slice.ended).toEqual({ kind: 'ledgerAway' });
    expect(await savedIn(direct, slice.key)).toMatchObject({ seq: 1, kind: 'state', value: { row: 1 } });
  });
});

describe('a connection lost inside the body', () => {
  test.each<[how: string, onError: (error: unknown) => void]>([
    [
      'let through',
      (error) => {
        throw error;
      },
    ],
    [
      'wrapped',
      (error) => {
        throw new Error('the city could not be written', { cause: error });
      },
    ],
    ['swallowed', () => undefined],
  ])('and its error %s by the body: the body runs again, its effect is there once', async (how, onError) => {
    const run = `lost, ${how}`;
    let bodies = 0;
    const slice = await startSlice(
      rows(async function* (job) {
        yield* job.transaction(async (sql, save) => {
          bodies += 1;
          await sql.query('insert into item (run, id) values ($1, 1)', [run]);
          if (bodies === 1) proxy.cut();
          try {
            await sql.query('insert into item (run, id) values ($1, 2)', [run]);
          } catch (error) {
            onError(error);
          }
          save({ row: 1 });
        });
      }),
      through,
    );
    expect((await slice.ended).kind).toBe('done');
    expect(bodies).toBe(2);
    expect(await items(run)).toEqual([1, 2]);
  });

  test('another one than ours: the job’s own error, not retried here', async () => {
    let bodies = 0;
    const slice = await startSlice(
      rows(async function* (job) {
        yield* job.transaction(async (_, save) => {
          bodies += 1;
          save({ row: 1 });
          throw Object.assign(new Error('connect ECONNREFUSED somewhere else'), { code: 'ECONNREFUSED' });
        });
      }),
      through,
    );
    await expect(slice.ended).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(bodies).toBe(1);
  });

  test('each time, because it idles for longer than it may: the slice gives up instead of going round for ever', async () => {
    let bodies = 0;
    const slice = await startSlice(
      rows(async function* (job) {
        yield* job.transaction(async (sql, save) => {
          bodies += 1;
          await sql.query('insert into item (run, id) values ($1, 1)', ['idle']);
          await delay(100);
          await sql.query('select 1');
          save({ row: 1 });
        });
      }),
      { ...through, idleTimeoutMs: 20 },
    );
    expect(await slice.ended).toEqual({ kind: 'ledgerAway' });
    expect(bodies).toBe(10);
    expect(await items('idle')).toEqual([]);
  });
});

test('a statement that loses its connection each time: the slice gives up instead of going round for ever', async () => {
  const ours = proxy;
  let cuts = 0;
  const cutAgain = (): void =>
    void ours
      .cutBefore(/save_checkpoint_or_fail/)
      .then(() => (cuts += 1))
      .then(cutAgain);
  cutAgain();
  const slice = await startSlice(
    rows((job) => statement(job, 'cut each time', 1)),
    through,
  );
  expect(await slice.ended).toEqual({ kind: 'ledgerAway' });
  expect(cuts).toBe(10);
  expect(await items('cut each time')).toEqual([]);
});
