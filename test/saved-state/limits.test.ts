import { describe, expect, test } from 'vitest';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { JobSeal } from '../../src/crypto/job-seal.ts';
import { STATE_LIMIT_BYTES } from '../../src/defaults.ts';
import { defineJob } from '../../src/jobs/index.ts';
import type { Job, Steps } from '../../src/jobs/index.ts';
import { isRetryable } from '../../src/jobs/run-slice.ts';
import { Saver } from '../../src/jobs/saver.ts';
import { openCheckpoint } from '../../src/jobs/state.ts';
import { loadCheckpoint } from '../../src/ledger/checkpoints.ts';
import { endClaim } from '../../src/ledger/claims.ts';
import { claim, openQueue } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { failureOf, startSlice } from '../jobs/slices.ts';

const keyring = parseKeyring(generateKey('k1'), 'test');
const ledger = await freshLedger();
const taskQueue = await openQueue(ledger);
await ledger.pool.query('create table item (id serial)');

async function counts(key: string) {
  const { rows } = await ledger.pool.query<{ checkpoints: number; claims: number; jobs: number }>(
    `select (select count(*)::integer from lockkeeper._checkpoints where key = $1) as checkpoints,
       (select count(*)::integer from lockkeeper._claims where key = $1) as claims,
       (select count(*)::integer from lockkeeper._jobs where key = $1) as jobs`,
    [key],
  );
  return rows[0]!;
}

test('the rows of a job do not grow with its length: 10,000 checkpoints in 100 slices leave 3, the last of which opens', async () => {
  const key = 'long';
  const seal = new JobSeal(keyring, key);
  for (let slice = 0; slice < 100; slice += 1) {
    const claimed = await claim(ledger, { taskQueue, key, seq: slice * 100 });
    expect(claimed.verdict).toBe('claimed');
    const saver = new Saver(ledger, claimed.fence, claimed.seq, 1, { seal });
    for (let n = 1; n <= 100; n += 1) await saver.save('state', { at: claimed.seq + n });
    await endClaim(ledger, claimed.claim, 'released', 'a deploy');
  }
  expect(await counts(key)).toEqual({ checkpoints: 3, claims: 1, jobs: 1 });
  const last = await loadCheckpoint(ledger, key);
  expect(last === undefined || last === 'missing' ? last : openCheckpoint(last, seal)).toMatchObject({
    seq: 10_000,
    value: { at: 10_000 },
  });
}, 120_000);

/** A state or result whose JSON has exactly so many bytes. */
const ofBytes = (bytes: number) => 'a'.repeat(bytes - 2);
type Big = (job: Job<string>, bytes: number) => Steps<string, unknown>;
const WAYS: Readonly<Record<string, Big>> = {
  async *yield(_job, bytes) {
    yield ofBytes(bytes);
    return 'done';
  },
  async *transaction(job, bytes) {
    yield* job.transaction(async (sql, save) => {
      await sql.query('insert into item default values');
      save(ofBytes(bytes));
    });
    return 'done';
  },
  async *statement(job, bytes) {
    yield* job.statement('insert into item default values', [], ofBytes(bytes));
    return 'done';
  },
  async *result(_job, bytes) {
    return ofBytes(bytes);
  },
};

describe.each(Object.entries(WAYS))('8 MiB by %s', (way, steps) => {
  const job = (bytes: number) =>
    defineJob({
      name: `big-${way}`,
      taskQueue,
      state: { initial: '' },
      checkpointEvery: 0,
      async *run(self) {
        yield 'the last good one';
        return yield* steps(self, bytes);
      },
    });
  const items = async () => (await ledger.pool.query('select from item')).rowCount;
  const begin = (bytes: number) => startSlice(job(bytes), { ledger, taskQueue, keyring });

  test('exactly is saved, encrypted', async () => {
    const { ended, key } = await begin(STATE_LIMIT_BYTES);
    expect(await ended).toMatchObject({ kind: 'done' });
    const { rows } = await ledger.pool.query<{ longest: number }>(
      'select max(length(ciphertext)) as longest from lockkeeper._checkpoints where key = $1',
      [key],
    );
    // With its tag.
    expect(rows[0]?.longest).toBe(STATE_LIMIT_BYTES + 16);
  });

  test('and one byte fails the job by its name, for good; the last good checkpoint stays, and nothing else is done', async () => {
    const before = await items();
    const slice = await begin(STATE_LIMIT_BYTES + 1);
    const error = await failureOf(slice);
    expect(error).toMatchObject({ code: 'STATE_TOO_LARGE' });
    expect((error as Error).message).toMatch(/ has 8388609 bytes of JSON, at most 8388608 are possible/);
    expect(isRetryable(error)).toBe(false);
    expect(await items()).toBe(before);
    const last = await loadCheckpoint(ledger, slice.key);
    if (last === undefined || last === 'missing') throw new Error('nothing is left');
    expect(openCheckpoint(last, new JobSeal(keyring, slice.key))).toMatchObject({
      seq: 1,
      kind: 'state',
      value: 'the last good one',
    });
  });
});
