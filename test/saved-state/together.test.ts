import { describe, expect, test } from 'vitest';
import {
  SAVES_TOGETHER,
  SAVES_TOGETHER_BYTES,
  SAVES_WAIT_AT_MOST,
  SAVE_ANSWERED_WITHIN,
  SAVE_WRITES,
} from '../../src/defaults.ts';
import { LedgerAway, Saver } from '../../src/jobs/saver.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { begin, claim, head, loadPlain, openQueue, untilBlocked } from '../support/claiming.ts';
import { inTime } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { LedgerProxy } from '../support/ledger-proxy.ts';
import { countingSaves } from './counting-saves.ts';

const direct = await freshLedger();
const taskQueue = await openQueue(direct);

/** The savers of so many slices of one worker. */
async function slices(ledger: Ledger, count: number): Promise<Saver[]> {
  const claims = Array.from({ length: count }, () => claim(direct, { taskQueue }));
  return (await Promise.all(claims)).map(({ fence }) => new Saver(ledger, fence, 0, 1));
}

const saveAll = (savers: readonly Saver[], at: number) =>
  inTime(Promise.all(savers.map((saver) => saver.save('state', { at }))), 20_000, 'the saves did not end');

async function expectAt(savers: readonly Saver[], seq: number): Promise<void> {
  for (const saver of savers) {
    expect(saver.seq).toBe(seq);
    expect(await head(direct, saver.fence.key)).toMatchObject({ seq });
    expect(await loadPlain(direct, saver.fence.key)).toMatchObject({ seq, value: { at: seq } });
  }
}

test('40 slices that save 10 times each need a fraction of the commits, and each has its own states in its own order', async () => {
  const { ledger, writes } = countingSaves(direct);
  const savers = await slices(ledger, 40);
  const saving = savers.map(async (saver) => {
    for (let at = 1; at <= 10; at += 1) await saver.save('state', { at });
  });
  await inTime(Promise.all(saving), 20_000, 'the saves did not end');
  expect(writes.reduce((sum, { rows }) => sum + rows, 0)).toBe(400);
  expect(writes.length).toBeLessThan(100);
  await expectAt(savers, 10);
});

test('a lone save goes out at once and alone', async () => {
  const { ledger, writes } = countingSaves(direct);
  const [saver] = await slices(ledger, 1);
  const saving = saver!.save('state', { at: 1 });
  expect(writes).toEqual([{ rows: 1, bytes: expect.any(Number) as number }]);
  await saving;
  await expectAt([saver!], 1);
});

describe('written together', () => {
  test('are so many saves at most', async () => {
    const { ledger, writes } = countingSaves(direct);
    const savers = await slices(ledger, 2 * SAVES_TOGETHER + SAVE_WRITES + 1);
    await saveAll(savers, 1);
    expect(writes.map(({ rows }) => rows).sort((a, b) => b - a)).toEqual([SAVES_TOGETHER, SAVES_TOGETHER, 1, 1, 1]);
    await expectAt(savers, 1);
  });

  test('are so many bytes at most, and a state that is larger goes alone', async () => {
    const { ledger, writes } = countingSaves(direct);
    const savers = await slices(ledger, 12);
    const sizes = savers.map((_, i) => (i === 11 ? SAVES_TOGETHER_BYTES + 1 : SAVES_TOGETHER_BYTES / 3));
    const saving = savers.map((saver, i) => saver.save('state', 'a'.repeat(sizes[i]! - 2)));
    await inTime(Promise.all(saving), 20_000, 'the saves did not end');
    expect(writes.reduce((sum, { rows }) => sum + rows, 0)).toBe(12);
    for (const { rows, bytes } of writes) if (rows > 1) expect(bytes).toBeLessThanOrEqual(SAVES_TOGETHER_BYTES);
    expect(writes).toContainEqual({ rows: 1, bytes: SAVES_TOGETHER_BYTES + 1 });
    for (const [i, saver] of savers.entries()) {
      const { rows } = await direct.pool.query<{ size: number }>(
        'select length(ciphertext) as size from lockkeeper._checkpoints where key = $1',
        [saver.fence.key],
      );
      expect(rows).toEqual([{ size: Math.floor(sizes[i]!) }]);
    }
  });

  test('are results, too', async () => {
    const savers = await slices(direct, 10);
    await Promise.all(savers.map((saver, n) => saver.save('done', { n })));
    for (const [n, { fence }] of savers.entries()) {
      expect(await head(direct, fence.key)).toMatchObject({ seq: 1, state: 'done' });
      expect(await loadPlain(direct, fence.key)).toMatchObject({ kind: 'done', value: { n } });
    }
  });
});

describe('of saves that are written together', () => {
  test('one whose job was taken over is refused, alone', async () => {
    const savers = await slices(direct, 20);
    const fenced = savers[11]!;
    await claim(direct, { taskQueue, key: fenced.fence.key });
    const others = savers.filter((saver) => saver !== fenced);
    const saving = savers.map((saver) => saver.save('state', { at: 1 }));
    await expect(saving[11]).rejects.toMatchObject({ code: 'FENCED' });
    await Promise.all(saving.filter((_, i) => i !== 11));
    await expectAt(others, 1);
    expect(await head(direct, fenced.fence.key)).toMatchObject({ seq: 0, epoch: 2 });
  });

  test('of two slices of one job, as after a false alarm, the one that holds it is saved', async () => {
    const savers = await slices(direct, 5);
    const { fence } = await claim(direct, { taskQueue, key: savers[4]!.fence.key });
    const saving = [...savers, new Saver(direct, fence, 0, 1)].map((saver) => saver.save('state', { at: 1 }));
    await expect(saving[4]).rejects.toMatchObject({ code: 'FENCED' });
    await saving[5];
    expect(await head(direct, fence.key)).toMatchObject({ seq: 1, epoch: 2 });
  });

  test('one that cannot be saved fails with its own error, alone', async () => {
    const savers = await slices(direct, 20);
    savers[11]!.progress = { done: 'many' as never };
    const saving = savers.map((saver) => saver.save('state', { at: 1 }));
    await expect(saving[11]).rejects.toMatchObject({ code: '22P02' });
    await Promise.all(saving.filter((_, i) => i !== 11));
    savers[11]!.progress = { done: 1 };
    await savers[11]!.save('state', { at: 1 });
    await expectAt(savers, 1);
  });
});

describe('a job whose row somebody holds, as a frozen worker in a transaction', () => {
  test.each([
    ['first', 0],
    ['in the middle', 11],
  ])('%s: keeps none of the others waiting, and is saved when it is free', async (_, at) => {
    const savers = await slices(direct, 20);
    const held = savers[at]!;
    const client = await begin(direct);
    await client.query('select from lockkeeper._jobs where key = $1 for update', [held.fence.key]);
    const saving = savers.map((saver) => saver.save('state', { at: 1 }));
    await inTime(Promise.all(saving.filter((_, i) => i !== at)), SAVES_WAIT_AT_MOST / 2, 'the others wait');
    await untilBlocked(direct, 1);
    expect(held.seq).toBe(0);
    await client.query('commit');
    await inTime(saving[at]!, 10_000, 'it was not saved');
    await expectAt(savers, 1);
  });

  test('also where every write meets one', async () => {
    const savers = await slices(direct, 10);
    const client = await begin(direct);
    const held = savers.slice(0, 5);
    const keys = held.map((saver) => saver.fence.key);
    await client.query('select from lockkeeper._jobs where key = any($1) for update', [keys]);
    const waiting = held.map((saver) => saver.save('state', { at: 1 }));
    await inTime(saveAll(savers.slice(5), 1), SAVES_WAIT_AT_MOST / 2, 'the others wait');
    await client.query('commit');
    await Promise.all(waiting);
    await expectAt(savers, 1);
  });
});

test('a rotation of keys that takes the same old checkpoints in the order of their keys is waited for, and waits for nothing', async () => {
  const savers = await slices(direct, SAVE_WRITES + 2);
  const [b, a] = savers.splice(SAVE_WRITES).sort((x, y) => (x.fence.key < y.fence.key ? 1 : -1)) as [Saver, Saver];
  for (let at = 1; at <= 3; at += 1) await saveAll([a, b], at);
  const rotation = await begin(direct);
  // The fourth save takes the first one away.
  const take = ({ fence }: Saver) =>
    rotation.query('select from lockkeeper._checkpoints where key = $1 and seq = 1 for update', [fence.key]);
  await take(a);
  // The first ones fill the writes, so that these two go together.
  const saving = [...savers, b, a].map((saver) => saver.save('state', { at: 4 }));
  await untilBlocked(direct, 1);
  await inTime(take(b), 500, 'the rotation waits for the saves that wait for it');
  await rotation.query('commit');
  await Promise.all(saving);
  await expectAt([a, b], 4);
});

test('writes that stand still do not keep later saves waiting for longer than a second', async () => {
  const savers = await slices(direct, SAVE_WRITES + 3);
  const stuck = savers.slice(0, SAVE_WRITES);
  for (let at = 1; at <= 3; at += 1) await saveAll(stuck, at);
  const client = await begin(direct);
  // The fourth save takes the first one away.
  const keys = stuck.map((saver) => saver.fence.key);
  await client.query('select from lockkeeper._checkpoints where key = any($1) for update', [keys]);
  const standing = stuck.map((saver) => saver.save('state', { at: 4 }));
  await untilBlocked(direct, SAVE_WRITES);
  await inTime(saveAll(savers.slice(SAVE_WRITES), 1), 3 * SAVES_WAIT_AT_MOST, 'the others wait');
  await client.query('commit');
  await Promise.all(standing);
  await expectAt(stuck, 4);
});

describe('a connection lost under saves that are written together', () => {
  const FAULTS = {
    'after Postgres had committed': (proxy: LedgerProxy) => proxy.loseReplyTo(/save_checkpoints/),
    'before Postgres heard of it': (proxy: LedgerProxy) => proxy.cutBefore(/save_checkpoints/),
    'and the write lands later': (proxy: LedgerProxy) => proxy.deliverLate(/save_checkpoints/),
  };

  test.each(Object.entries(FAULTS))('%s: each is saved once', async (_, fault) => {
    const proxy = await LedgerProxy.start(direct.databaseUrl);
    const ledger = await freshLedger({ databaseUrl: proxy.databaseUrl });
    const savers = await slices(ledger, 20);
    const happened = fault(proxy);
    await saveAll(savers, 1);
    await (
      await happened
    )?.();
    await expectAt(savers, 1);
    await saveAll(savers, 2);
    await expectAt(savers, 2);
  });

  test('and one of them fenced meanwhile: that one is refused, alone', async () => {
    const proxy = await LedgerProxy.start(direct.databaseUrl);
    const ledger = await freshLedger({ databaseUrl: proxy.databaseUrl });
    const savers = await slices(ledger, 20);
    const cut = proxy.cutBefore(/save_checkpoints/);
    proxy.goAwayAfterFault();
    const saving = savers.map((saver) => saver.save('state', { at: 1 }));
    await cut;
    await claim(direct, { taskQueue, key: savers[11]!.fence.key });
    proxy.comeBack();
    await expect(saving[11]).rejects.toMatchObject({ code: 'FENCED' });
    await Promise.all(saving.filter((_, i) => i !== 11));
    await expectAt(
      savers.filter((_, i) => i !== 11),
      1,
    );
    expect(await head(direct, savers[11]!.fence.key)).toMatchObject({ seq: 0, epoch: 2 });
  });
});

describe('a connection that is forgotten under a save, as by a firewall', () => {
  const LARGE = 'a'.repeat(SAVES_TOGETHER_BYTES);
  const WAYS = [
    { name: 'alone', when: /save_unless_busy/, count: 1, text: '' },
    { name: 'together', when: /save_checkpoints/, count: 20, text: '' },
    { name: 'large', when: /save_checkpoint\(/, count: 1, text: LARGE },
  ];

  test.each(WAYS)('$name: it is saved on another one', async ({ when, count, text }) => {
    const proxy = await LedgerProxy.start(direct.databaseUrl);
    const savers = await slices(await freshLedger({ databaseUrl: proxy.databaseUrl }), count);
    const forgotten = proxy.forget(when);
    const saving = savers.map((saver) => saver.save('state', { at: 1, text }));
    await forgotten;
    await inTime(Promise.all(saving), SAVE_ANSWERED_WITHIN + 5_000, 'the saves did not end');
    for (const saver of savers) expect(await head(direct, saver.fence.key)).toMatchObject({ seq: 1 });
  });
});

test('a save that loses its connection each time, while the ledger answers otherwise, is an interruption after a while', async () => {
  const proxy = await LedgerProxy.start(direct.databaseUrl);
  const ledger = await freshLedger({ databaseUrl: proxy.databaseUrl });
  const { fence } = await claim(direct, { taskQueue });
  const saver = new Saver(ledger, fence, 0, 1, { patienceMs: 1_000 });
  let cuts = 0;
  const cutAgain = (): void =>
    void proxy
      .cutBefore(/save_unless_busy/)
      .then(() => (cuts += 1))
      .then(cutAgain);
  cutAgain();
  await expect(inTime(saver.save('state', { at: 1 }), 5_000, 'it is tried for ever')).rejects.toThrow(LedgerAway);
  expect(saver.away).toBe(true);
  // More than once, and not as often as it can.
  expect(cuts).toBeGreaterThan(2);
  expect(cuts).toBeLessThan(10);
});

test('saves are made in the end where every transaction is serializable by the setting of the database', async () => {
  const url = new URL(direct.databaseUrl);
  // Without indexes, as in a small database, every two of them have read the same.
  url.searchParams.set(
    'options',
    '-c default_transaction_isolation=serializable -c enable_indexscan=off -c enable_bitmapscan=off',
  );
  const savers = await slices(await freshLedger({ databaseUrl: url.href }), 20);
  const saving = savers.map(async (saver) => {
    for (let at = 1; at <= 20; at += 1) await saver.save('state', { at });
  });
  await inTime(Promise.all(saving), 20_000, 'the saves did not end');
  await expectAt(savers, 20);
});

describe('a server that gives no statement more than a moment, by a setting of the database', () => {
  async function impatient(patienceMs: number): Promise<{ saver: Saver; free: () => Promise<unknown> }> {
    const url = new URL(direct.databaseUrl);
    url.searchParams.set('options', '-c statement_timeout=100');
    const { fence } = await claim(direct, { taskQueue });
    const client = await begin(direct);
    await client.query('select from lockkeeper._jobs where key = $1 for update', [fence.key]);
    const saver = new Saver(await freshLedger({ databaseUrl: url.href }), fence, 0, 1, { patienceMs });
    return { saver, free: () => client.query('commit') };
  }

  test('a save is tried again until it is made', async () => {
    const { saver, free } = await impatient(10_000);
    const saving = saver.save('state', { at: 1 });
    await expect(inTime(saving, 1_000, 'it waits')).rejects.toThrow('it waits');
    await free();
    await inTime(saving, 5_000, 'it was not saved');
    await expectAt([saver], 1);
  });

  test('or is an interruption after a while, and no failure of the job', async () => {
    const { saver } = await impatient(500);
    await expect(inTime(saver.save('state', { at: 1 }), 5_000, 'it waits')).rejects.toThrow(LedgerAway);
  });
});
