import { describe, expect, test } from 'vitest';
import { CHECKPOINTS_KEPT, STATE_LIMIT_BYTES } from '../../src/defaults.ts';
import { LockkeeperError } from '../../src/errors.ts';
import { encodeState } from '../../src/jobs/encode-state.ts';
import { Saver } from '../../src/jobs/saver.ts';
import { readHead } from '../../src/ledger/checkpoints.ts';
import { markGivenUp, markJob } from '../../src/ledger/mark-job.ts';
import { readJob } from '../../src/ledger/jobs.ts';
import { claim, head, loadPlain, openQueue, save } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();
const taskQueue = await openQueue(ledger);

async function kept(key: string): Promise<number[]> {
  const { rows } = await ledger.pool.query<{ seq: number }>(
    'select seq::integer from lockkeeper.checkpoints where key = $1 order by seq',
    [key],
  );
  return rows.map((row) => row.seq);
}

test('only the last three are kept', async () => {
  const { fence } = await claim(ledger, { taskQueue });
  for (let seq = 1; seq <= 2; seq += 1) await save(ledger.pool, fence, seq);
  expect(await kept(fence.key)).toEqual([1, 2]);
  for (let seq = 3; seq <= 7; seq += 1) await save(ledger.pool, fence, seq);
  expect(await kept(fence.key)).toEqual([5, 6, 7]);
  expect(CHECKPOINTS_KEPT).toBe(3);
});

test('a save that is refused takes none away', async () => {
  const { fence } = await claim(ledger, { taskQueue });
  for (let seq = 1; seq <= 3; seq += 1) await save(ledger.pool, fence, seq);
  expect(await save(ledger.pool, { ...fence, epoch: 0 }, 4)).toBe(false);
  expect(await save(ledger.pool, fence, 9)).toBe(false);
  expect(await kept(fence.key)).toEqual([1, 2, 3]);
});

test('the checkpoint to go on from: none at first, then the last, then the one a person chose, `missing` when it is gone', async () => {
  const { fence } = await claim(ledger, { taskQueue });
  const restore = (seq: number) =>
    ledger.pool.query('update lockkeeper._jobs set restore_seq = $2 where key = $1', [fence.key, seq]);
  expect(await loadPlain(ledger, fence.key)).toBeUndefined();
  for (let seq = 1; seq <= 2; seq += 1) await save(ledger.pool, fence, seq);
  expect(await loadPlain(ledger, fence.key)).toEqual({
    seq: 2,
    kind: 'state',
    stateVersion: 1,
    buildId: 'build-1',
    value: { at: 2 },
  });
  await restore(1);
  expect(await loadPlain(ledger, fence.key)).toMatchObject({ seq: 1, value: { at: 1 } });
  await restore(0);
  expect(await loadPlain(ledger, fence.key)).toBeUndefined();
  await restore(5);
  expect(await loadPlain(ledger, fence.key)).toBe('missing');
  expect(await loadPlain(ledger, 'nobody-knows-it')).toBeUndefined();
});

test('a checkpoint whose key is not there is refused by its name', async () => {
  const { fence } = await claim(ledger, { taskQueue });
  await save(ledger.pool, fence, 1);
  await ledger.pool.query(`update lockkeeper._checkpoints set key_id = 'k1' where key = $1`, [fence.key]);
  await expect(loadPlain(ledger, fence.key)).rejects.toMatchObject({ code: 'KEY_MISSING' });
});

test('the result ends the job, and is the last checkpoint', async () => {
  const { fence } = await claim(ledger, { taskQueue });
  await save(ledger.pool, fence, 1);
  expect(await save(ledger.pool, fence, 2, 'done')).toBe(true);
  expect(await head(ledger, fence.key)).toMatchObject({ state: 'done', seq: 2 });
  expect(await loadPlain(ledger, fence.key)).toMatchObject({ kind: 'done', value: { at: 2 } });
});

describe('how a job stands', () => {
  test('is said by the claim that holds it', async () => {
    const { fence } = await claim(ledger, { taskQueue });
    await markJob(ledger, fence.key, fence.claim, 'waiting', 'the disk is full');
    expect(await head(ledger, fence.key)).toMatchObject({ state: 'waiting', reason: 'the disk is full' });
  });

  test('is not said by a claim that was superseded', async () => {
    const { fence } = await claim(ledger, { taskQueue });
    await claim(ledger, { taskQueue, key: fence.key });
    await markJob(ledger, fence.key, fence.claim, 'failed', 'stale');
    expect(await head(ledger, fence.key)).toMatchObject({ state: 'running', reason: null });
  });

  test('does not change any more when it is done', async () => {
    const { fence } = await claim(ledger, { taskQueue });
    await save(ledger.pool, fence, 1, 'done');
    await markJob(ledger, fence.key, fence.claim, 'failed', 'too late');
    expect(await head(ledger, fence.key)).toMatchObject({ state: 'done' });
  });

  test('is failed once a person has given it up, and only when it was quarantined', async () => {
    const [waiting, running] = [await claim(ledger, { taskQueue }), await claim(ledger, { taskQueue })];
    await markJob(ledger, waiting.fence.key, waiting.claim, 'quarantined', 'it does not parse');
    for (const { fence } of [waiting, running]) await markGivenUp(ledger, fence.key);
    expect(await head(ledger, waiting.fence.key)).toMatchObject({ state: 'failed', reason: 'it does not parse' });
    expect(await head(ledger, running.fence.key)).toMatchObject({ state: 'running' });
  });
});

test('progress is kept until a later save says otherwise, and shown', async () => {
  const { fence } = await claim(ledger, { taskQueue, workflowId: 'with-progress' });
  const saver = new Saver(ledger, fence, 0, 1);
  saver.progress = { done: 3, total: 10, note: 'cities' };
  await saver.save('state', { row: 3 });
  saver.progress = { done: 4 };
  await saver.save('state', { row: 4 });
  expect(await readJob(ledger, 'with-progress')).toMatchObject({
    seq: 2,
    state: 'running',
    progress: { done: 4, total: 10, note: 'cities' },
  });
});

describe('a value that JSON cannot hold', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;

  test.each<[what: string, value: unknown, words: RegExp]>([
    ['a BigInt', { rows: 1n }, /the state.*bigint.*"rows"/],
    ['a cycle', cycle, /the state cannot be written as JSON: .*circular/],
    ['a function', () => 1, /the state.*function/],
    ['a symbol', Symbol('s'), /the state.*symbol/],
    ['a function inside', { steps: [{ run: () => 1 }] }, /the state.*function.*"run"/],
    ['a symbol inside', { mark: Symbol('s') }, /the state.*symbol.*"mark"/],
    ['NaN', { mean: Number.NaN }, /the state.*NaN.*"mean"/],
    ['Infinity', [1, Number.POSITIVE_INFINITY], /the state.*Infinity.*"1"/],
    ['a Map', { seen: new Map([[1, 2]]) }, /the state.*Map.*"seen"/],
    ['a Set', { seen: new Set([1]) }, /the state.*Set.*"seen"/],
    ['a Date', { at: new Date(0) }, /the state.*Date.*"at"/],
    ['a value with a class', [new (class Place {})()], /the state.*Place.*"0"/],
  ])('%s is refused with clear words, and nothing is written', async (_, value, words) => {
    expect(() => encodeState(value, 'the state')).toThrow(words);
    const { fence } = await claim(ledger, { taskQueue });
    const saver = new Saver(ledger, fence, 0, 1);
    await expect(saver.save('state', value)).rejects.toMatchObject({ code: 'STATE_INVALID' });
    expect(await kept(fence.key)).toEqual([]);
    expect(await readHead(ledger, fence.key)).toMatchObject({ seq: 0, claim: fence.claim });
    await saver.save('state', { fine: true });
    expect(saver.seq).toBe(1);
  });

  test('a result is refused by its own name', () => {
    expect(() => encodeState(1n, 'the result')).toThrow(/^the result cannot be written as JSON/);
  });
});

test.each<[what: string, value: unknown, json: string]>([
  ['nothing is null', undefined, 'null'],
  ['a property without a value is left out', { a: undefined, b: 1 }, '{"b":1}'],
  ['plain values', { s: 'é', n: -1.5, b: false, z: null, l: [[]] }, '{"s":"é","n":-1.5,"b":false,"z":null,"l":[[]]}'],
])('%s', (_, value, json) => {
  expect(encodeState(value, 'the state').toString()).toBe(json);
});

test('a result may hold what has a JSON form of its own', () => {
  const result = { at: new Date(0), path: new URL('http://x/') };
  expect(encodeState(result, 'the result').toString()).toBe('{"at":"1970-01-01T00:00:00.000Z","path":"http://x/"}');
});

describe('the largest state', () => {
  const text = (bytes: number) => 'a'.repeat(bytes - 2);

  test('of exactly 8 MiB is saved', () => {
    expect(encodeState(text(STATE_LIMIT_BYTES), 'the state').length).toBe(8 * 1024 * 1024);
  });

  test.each([
    ['one byte more', () => text(STATE_LIMIT_BYTES + 1)],
    ['fewer characters, more bytes', () => 'é'.repeat(STATE_LIMIT_BYTES / 2)],
  ])('%s is refused with both sizes, and nothing is written', async (_, value) => {
    const { fence } = await claim(ledger, { taskQueue });
    const saver = new Saver(ledger, fence, 0, 1);
    const error: unknown = await saver.save('state', value()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockkeeperError);
    expect(error).toMatchObject({ code: 'STATE_TOO_LARGE' });
    expect((error as Error).message).toMatch(
      /^the state has 83886\d\d bytes of JSON, at most 8388608 are possible.*Keep a place/,
    );
    expect(await kept(fence.key)).toEqual([]);
  });
});
