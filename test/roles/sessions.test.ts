import pg from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { endForeignClaim, sessionName } from '../../src/ledger/claims.ts';
import { declareGone } from '../../src/ledger/dead-workers.ts';
import { registerWorker } from '../../src/ledger/workers.ts';
import { atEnd } from '../support/at-end.ts';
import { claim, openQueue, save } from '../support/claiming.ts';
import type { Claimed } from '../support/claiming.ts';
import { inTime, isPending } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { freshLogin, run } from '../support/logins.ts';
import type { Login } from '../support/logins.ts';
import { ownedLedger } from './owned-ledger.ts';

const { admin, owner } = await ownedLedger();
const [one, other] = [
  await freshLogin(admin, 'in role lockkeeper_worker'),
  await freshLogin(admin, 'in role lockkeeper_worker'),
];
const stranger = await freshLogin(admin);
const ledger = await freshLedger({ databaseUrl: one.url });

beforeEach(() => run(admin, `revoke pg_signal_backend from ${owner.name}`));

/** The session of a slice's transaction, of a process that does not go on. */
async function sessionOf(
  login: Login,
  name: string,
): Promise<{ client: pg.Client; pid: number; ended: Promise<Error> }> {
  const client = new pg.Client({ connectionString: login.url });
  const ended = new Promise<Error>((resolve) => client.on('error', resolve));
  await client.connect();
  atEnd(() => client.end());
  await client.query(`begin; set local application_name = '${name}'`);
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return { client, pid: rows[0]!.pid, ended };
}

const newClaim = async (): Promise<Claimed> => claim(ledger, { taskQueue: await openQueue(ledger) });
const giveUp = ({ claim: id }: Claimed) => endForeignClaim(ledger, id, 'fenced', 'given up');
const expectEnded = async (ended: Promise<Error>) =>
  expect(await inTime(ended, 5_000, 'the session was not ended')).toMatchObject({ code: '57P01' });

describe('workers end the sessions of a slice that is given up', () => {
  test('of their own login: nothing more is needed', async () => {
    const claimed = await newClaim();
    const { ended } = await sessionOf(one, sessionName(claimed.claim));
    expect(await giveUp(claimed)).toEqual({ ended: true });
    await expectEnded(ended);
  });

  test('of another login: when the owner of the ledger has pg_signal_backend', async () => {
    await run(admin, `grant pg_signal_backend to ${owner.name}`);
    const claimed = await newClaim();
    const { ended } = await sessionOf(other, sessionName(claimed.claim));
    expect(await giveUp(claimed)).toEqual({ ended: true });
    await expectEnded(ended);
  });

  test('of another login without that: it is fenced all the same, and told whose session is left', async () => {
    const claimed = await newClaim();
    const { client, ended } = await sessionOf(other, sessionName(claimed.claim));
    expect(await giveUp(claimed)).toEqual({ ended: true, sessionsLeft: [other.name] });
    expect(await save(client, claimed.fence, 1)).toBe(false);
    expect(await isPending(ended)).toBe(true);
    await client.query('rollback');
  });

  test('a worker that is gone: the same', async () => {
    const worker = crypto.randomUUID();
    await registerWorker(ledger, { id: worker, kind: 'worker', buildId: 'v1', taskQueues: [], host: 'here', pid: 1 });
    const claimed = await claim(ledger, { taskQueue: await openQueue(ledger), worker });
    const { client } = await sessionOf(other, sessionName(claimed.claim));
    expect(await declareGone(ledger.pool, worker, 'gone')).toMatchObject({ slices: 1, sessionsLeft: [other.name] });
    await client.query('rollback');
  });
});

describe('by the right of the owner nobody ends', () => {
  beforeEach(() => run(admin, `grant pg_signal_backend to ${owner.name}`));

  test.each([
    [
      'a session of somebody who is no worker, whatever it is called',
      async (name: string) => sessionOf(stranger, name),
    ],
    ['a session of a worker that is called otherwise', async () => sessionOf(other, 'psql')],
    [
      'a session in another database',
      async (name: string) => {
        const elsewhere = await ownedLedger();
        const url = new URL(other.url);
        url.pathname = new URL(elsewhere.admin).pathname;
        return sessionOf({ name: other.name, url: url.href }, name);
      },
    ],
  ])('%s', async (_what, open) => {
    const claimed = await newClaim();
    const { pid, ended } = await open(sessionName(claimed.claim));
    const { rows } = await ledger.pool.query('select lockkeeper._end_session($1, $2) as ended', [pid, claimed.claim]);
    expect(rows).toEqual([{ ended: false }]);
    expect(await isPending(ended)).toBe(true);
  });
});
