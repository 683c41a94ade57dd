import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Saver } from '../../src/jobs/saver.ts';
import { Transactions } from '../../src/jobs/transaction.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { claim, head, loadPlain, openQueue, untilBlocked } from '../support/claiming.ts';
import { inTime } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { LedgerProxy } from '../support/ledger-proxy.ts';

const direct = await freshLedger();
const taskQueue = await openQueue(direct);
beforeAll(async () => {
  await direct.pool.query('create table item (key text not null, id integer not null, note text not null)');
  await direct.pool.query('create table unique_item (key text not null, id integer not null, primary key (key, id))');
});

interface State {
  readonly row: number;
}

/** One slice whose connections go through a proxy. */
interface Setting {
  readonly proxy: LedgerProxy;
  readonly ledger: Ledger;
  readonly saver: Saver;
  readonly transactions: Transactions<State>;
  readonly saved: State[];
  readonly key: string;
  bodies: number;
}
let s: Setting;

beforeEach(async () => {
  const proxy = await LedgerProxy.start(direct.databaseUrl);
  const ledger = await freshLedger({ databaseUrl: proxy.databaseUrl });
  const { fence } = await claim(ledger, { taskQueue });
  const saver = new Saver(ledger, fence, 0, 1);
  const saved: State[] = [];
  const transactions = new Transactions<State>(ledger, saver, 60_000, (state) => saved.push(state));
  s = { proxy, ledger, saver, transactions, saved, key: fence.key, bodies: 0 };
});

/** `yield*` without a job around it. */
async function iterate<T>(steps: AsyncGenerator<unknown, T, void>): Promise<T> {
  for (;;) {
    const step = await steps.next();
    if (step.done) return step.value;
  }
}

const effect = 'insert into item (key, id, note) values ($1, $2, $3)';
const items = async (): Promise<string[]> =>
  (
    await direct.pool.query<{ note: string }>('select note from item where key = $1 order by id, note', [s.key])
  ).rows.map((row) => row.note);

interface Way {
  readonly name: string;
  /** The message with which Postgres makes it count. */
  readonly decisive: RegExp;
  readonly save: (row: number) => Promise<unknown>;
  readonly effects: boolean;
}
const ways: Way[] = [
  {
    name: 'job.transaction',
    decisive: /commit/,
    save: (row) =>
      iterate(
        s.transactions.transaction(async (sql, save) => {
          s.bodies += 1;
          await sql.query(effect, [s.key, row, `body ${s.bodies}`]);
          save({ row });
          return `body ${s.bodies}`;
        }),
      ),
    effects: true,
  },
  {
    name: 'job.statement',
    decisive: /save_checkpoint_or_fail/,
    save: (row) => iterate(s.transactions.statement(effect, [s.key, row, 'statement'], { row })),
    effects: true,
  },
  { name: 'a plain save', decisive: /save_checkpoint/, save: (row) => s.saver.save('state', { row }), effects: false },
];

/** What must hold after one save, whatever happened to it; and that the next one follows. */
async function expectOnce(way: Way): Promise<void> {
  expect(s.saver.seq).toBe(1);
  expect(await head(direct, s.key)).toMatchObject({ seq: 1 });
  expect(await loadPlain(direct, s.key)).toMatchObject({ seq: 1, value: { row: 1 } });
  expect(await items()).toHaveLength(way.effects ? 1 : 0);
  if (way.effects) expect(s.saved).toEqual([{ row: 1 }]);
  await way.save(2);
  expect(await head(direct, s.key)).toMatchObject({ seq: 2 });
  expect(await items()).toHaveLength(way.effects ? 2 : 0);
}

describe.each(ways)('$name', (way) => {
  test('whose reply was lost after Postgres had committed: done once, and not again', async () => {
    const lost = s.proxy.loseReplyTo(way.decisive);
    const result = await inTime(way.save(1), 10_000, 'the save did not end');
    await lost;
    if (way.name === 'job.transaction') expect([result, s.bodies]).toEqual(['body 1', 1]);
    await expectOnce(way);
  });

  test('whose connection was cut before Postgres heard of it: done again, once in all', async () => {
    const cut = s.proxy.cutBefore(way.decisive);
    const result = await inTime(way.save(1), 10_000, 'the save did not end');
    await cut;
    if (way.name === 'job.transaction') expect([result, s.bodies]).toEqual(['body 2', 2]);
    await expectOnce(way);
  });

  test('lost three times in a row, in both ways: once in all', async () => {
    const faults = [
      s.proxy.cutBefore(way.decisive),
      s.proxy.cutBefore(way.decisive),
      s.proxy.loseReplyTo(way.decisive),
    ];
    await inTime(way.save(1), 10_000, 'the save did not end');
    await Promise.all(faults);
    await expectOnce(way);
  });

  test('fenced while its reply was lost: refused, and what was committed stays', async () => {
    const lost = s.proxy.loseReplyTo(way.decisive).then(() => claim(direct, { taskQueue, key: s.key }));
    s.proxy.goAwayAfterFault();
    const saving = way.save(1);
    await lost;
    s.proxy.comeBack();
    await expect(inTime(saving, 10_000, 'the save did not end')).rejects.toMatchObject({ code: 'FENCED' });
    expect(s.saver.fenced).toBe(true);
    expect(await head(direct, s.key)).toMatchObject({ seq: 1, epoch: 2 });
    expect(await items()).toHaveLength(way.effects ? 1 : 0);
  });

  test('fenced while the connection was cut before: refused, and nothing was done', async () => {
    const cut = s.proxy.cutBefore(way.decisive).then(() => claim(direct, { taskQueue, key: s.key }));
    s.proxy.goAwayAfterFault();
    const saving = way.save(1);
    await cut;
    s.proxy.comeBack();
    await expect(inTime(saving, 10_000, 'the save did not end')).rejects.toMatchObject({ code: 'FENCED' });
    expect(await head(direct, s.key)).toMatchObject({ seq: 0, epoch: 2 });
    expect(await items()).toEqual([]);
  });
});

describe('a COMMIT that reaches Postgres only while the transaction is done again', () => {
  test('the first one counts, the second is undone, and its result is that of the first', async () => {
    const late = s.proxy.deliverLate(/commit/);
    const saving = ways[0]!.save(1);
    const deliver = await late;
    // The second run waits for the job's row, which the first one holds.
    await untilBlocked(direct, 1);
    expect(s.bodies).toBe(2);
    await deliver();
    expect(await inTime(saving, 10_000, 'the save did not end')).toBe('body 1');
    expect(await items()).toEqual(['body 1']);
    await expectOnce(ways[0]!);
  });

  test('also when the effect itself meets that of the first one: no unique violation reaches the job', async () => {
    const late = s.proxy.deliverLate(/commit/);
    const saving = iterate(
      s.transactions.transaction(async (sql, save) => {
        s.bodies += 1;
        const mine = s.bodies;
        await sql.query('insert into unique_item (key, id) values ($1, 1)', [s.key]);
        save({ row: 1 });
        return mine;
      }),
    );
    const deliver = await late;
    await untilBlocked(direct, 1);
    await deliver();
    expect(await inTime(saving, 10_000, 'the save did not end')).toBe(1);
    expect(s.saver.seq).toBe(1);
    expect(s.saved).toEqual([{ row: 1 }]);
    const { rowCount } = await direct.pool.query('select from unique_item where key = $1', [s.key]);
    expect(rowCount).toBe(1);
  });
});

test.each(ways.slice(1))(
  '$name that reaches Postgres only after it was done again: refused there, once in all',
  async (way) => {
    const late = s.proxy.deliverLate(way.decisive);
    const saving = way.save(1);
    const deliver = await late;
    await inTime(saving, 10_000, 'the save did not end');
    await deliver();
    await expectOnce(way);
  },
);

test('a result whose reply was lost ends the job once', async () => {
  const lost = s.proxy.loseReplyTo(/save_checkpoint/);
  await inTime(s.saver.save('done', { rows: 3 }), 10_000, 'the save did not end');
  await lost;
  expect(await head(direct, s.key)).toMatchObject({ seq: 1, state: 'done' });
  expect(await loadPlain(direct, s.key)).toMatchObject({ kind: 'done', value: { rows: 3 } });
});

test('a unique violation of the job’s own is its error, and nothing is written', async () => {
  await direct.pool.query('insert into unique_item (key, id) values ($1, 1)', [s.key]);
  const saving = iterate(
    s.transactions.transaction(async (sql, save) => {
      await sql.query('insert into unique_item (key, id) values ($1, 1)', [s.key]);
      save({ row: 1 });
    }),
  );
  await expect(saving).rejects.toMatchObject({ code: '23505' });
  expect(await head(direct, s.key)).toMatchObject({ seq: 0 });
});
