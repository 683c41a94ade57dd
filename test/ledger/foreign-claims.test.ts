import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { endForeignClaim, sessionName } from '../../src/ledger/claims.ts';
import { closeFence, isDrained } from '../../src/ledger/gates.ts';
import { atEnd } from '../support/at-end.ts';
import { begin, claim, claimState, head, openQueue, save } from '../support/claiming.ts';
import type { Claimed } from '../support/claiming.ts';
import { inTime } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();
beforeAll(async () => {
  await ledger.pool.query('create table item (id text primary key)');
});

/** The session of a worker that froze inside a job.transaction: effect and checkpoint written, COMMIT never sent. */
async function frozenIn(claimed: Claimed): Promise<{ client: pg.Client; ended: Promise<Error> }> {
  const client = new pg.Client({ connectionString: ledger.databaseUrl });
  const ended = new Promise<Error>((resolve) => client.on('error', resolve));
  await client.connect();
  atEnd(() => client.end());
  await client.query(`begin; set local application_name = '${sessionName(claimed.claim)}'`);
  await client.query('insert into item (id) values ($1)', [claimed.claim]);
  expect(await save(client, claimed.fence, 1)).toBe(true);
  return { client, ended };
}

const items = async (id: string) => (await ledger.pool.query('select from item where id = $1', [id])).rowCount;

test.each(['fenced', 'lost'] as const)(
  'a worker frozen inside a transaction: its claim becomes %s, its session ends, its effect is undone',
  async (state) => {
    const taskQueue = await openQueue(ledger);
    const claimed = await claim(ledger, { taskQueue });
    await closeFence(ledger, taskQueue, { deploy: 'v1', token: 1 }, undefined);
    const { client, ended } = await frozenIn(claimed);

    const end = await inTime(endForeignClaim(ledger, claimed.claim, state, 'given up'), 5_000, 'the claim did not end');
    expect(end).toMatchObject({ ended: true, drained: { taskQueue } });
    expect(await claimState(ledger, claimed.claim)).toBe(state);

    expect(await inTime(ended, 5_000, 'the session was not ended')).toMatchObject({ code: '57P01' });
    await expect(client.query('commit')).rejects.toThrow();
    expect(await items(claimed.claim)).toBe(0);
    expect(await head(ledger, claimed.fence.key)).toMatchObject({ seq: 0, claim: null });
    expect(await isDrained(ledger, taskQueue)).toBe(true);
  },
);

test('a session of the claim that holds no lock of ours is ended all the same', async () => {
  const claimed = await claim(ledger, { taskQueue: await openQueue(ledger) });
  const client = new pg.Client({ connectionString: ledger.databaseUrl });
  const ended = new Promise<Error>((resolve) => client.on('error', resolve));
  await client.connect();
  atEnd(() => client.end());
  await client.query(`begin; set local application_name = '${sessionName(claimed.claim)}'`);
  await client.query('insert into item (id) values ($1)', [claimed.claim]);
  expect(await endForeignClaim(ledger, claimed.claim, 'fenced', 'given up')).toEqual({ ended: true });
  expect(await inTime(ended, 5_000, 'the session was not ended')).toMatchObject({ code: '57P01' });
  expect(await items(claimed.claim)).toBe(0);
});

test('sessions of other claims are left alone', async () => {
  const taskQueue = await openQueue(ledger);
  const [mine, other] = [await claim(ledger, { taskQueue }), await claim(ledger, { taskQueue })];
  const { client } = await frozenIn(other);
  expect(await endForeignClaim(ledger, mine.claim, 'fenced', 'given up')).toEqual({ ended: true });
  await client.query('commit');
  expect(await items(other.claim)).toBe(1);
  expect(await head(ledger, other.fence.key)).toMatchObject({ seq: 1, claim: other.claim });
});

test('a lock that somebody else holds for a while is waited for', async () => {
  const claimed = await claim(ledger, { taskQueue: await openQueue(ledger) });
  const somebody = await begin(ledger);
  await somebody.query('select from lockkeeper._jobs where key = $1 for update', [claimed.fence.key]);
  const ending = endForeignClaim(ledger, claimed.claim, 'lost', 'its worker is gone');
  const release = setTimeout(() => void somebody.query('commit'), 1_500);
  expect(await inTime(ending, 8_000, 'the claim did not end').finally(() => clearTimeout(release))).toEqual({
    ended: true,
  });
  expect(await claimState(ledger, claimed.claim)).toBe('lost');
});

test('a lock that somebody else never gives back: an error after some seconds, and the claim is as it was', async () => {
  const claimed = await claim(ledger, { taskQueue: await openQueue(ledger) });
  const somebody = await begin(ledger);
  await somebody.query('select from lockkeeper._jobs where key = $1 for update', [claimed.fence.key]);
  const ending = endForeignClaim(ledger, claimed.claim, 'lost', 'its worker is gone');
  await expect(inTime(ending, 10_000, 'it waited for ever')).rejects.toMatchObject({ code: '55P03' });
  expect(await claimState(ledger, claimed.claim)).toBe('running');
});

test('a claim that has ended already: nothing is done twice', async () => {
  const claimed = await claim(ledger, { taskQueue: await openQueue(ledger) });
  await endForeignClaim(ledger, claimed.claim, 'lost', 'its worker is gone');
  expect(await endForeignClaim(ledger, claimed.claim, 'lost', 'its worker is gone')).toEqual({ ended: false });
  expect(await head(ledger, claimed.fence.key)).toMatchObject({ losses: 1 });
});
