import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { NOTICE_DEADLINE, NOTICE_ORDER_TRIES, NOTICE_TAKEN_FOR } from '../../src/defaults.ts';
import { markCancelling, markJob } from '../../src/ledger/mark-job.ts';
import { endClaim } from '../../src/ledger/claims.ts';
import { readReason, recordDelivered, recordFailure, takeNotices, tidyNotices } from '../../src/ledger/notices.ts';
import type { TakenNotice } from '../../src/ledger/notices.ts';
import { keepReceivers, writeReceivers } from '../../src/ledger/receivers.ts';
import type { ReceiverRow } from '../../src/ledger/receivers.ts';
import { JOB_EVENTS } from '../../src/notices/events.ts';
import { claim, onConnection, begin, openQueue, save } from '../support/claiming.ts';
import type { Claimed } from '../support/claiming.ts';
import { freshLogin } from '../support/logins.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

/** As `openQueue` has it. */
const ENVIRONMENT = 'production';
const ledger = await freshLedger();
const taskQueue = await openQueue(ledger);
const FAILURE = { error: 'answered 500', againAfter: 60_000, forGood: false };

const everything = (name: string, more: Partial<ReceiverRow> = {}): ReceiverRow => ({
  name,
  events: JOB_EVENTS,
  toOwner: false,
  ...more,
});

beforeEach(async () => {
  await ledger.pool.query('delete from lockkeeper._notices');
  await writeReceivers(ledger, ENVIRONMENT, [everything('all')]);
});

const events = async (receiver = 'all'): Promise<string[]> =>
  (
    await ledger.pool.query<{ event: string }>(
      'select event from lockkeeper.notices where receiver = $1 order by number',
      [receiver],
    )
  ).rows.map(({ event }) => event);
const take = (receiver = 'all', atMost = 10): Promise<TakenNotice[]> =>
  takeNotices(ledger, ENVIRONMENT, receiver, atMost);
const numbersOf = (notices: readonly TakenNotice[]) => notices.map(({ number }) => number).sort((a, b) => a - b);
/** As if so many milliseconds had passed. */
const later = (ms: number) =>
  ledger.pool.query(
    `update lockkeeper._notices set created_at = created_at - $1 * interval '1 ms', due_at = due_at - $1 * interval '1 ms',
       ended_at = ended_at - $1 * interval '1 ms'`,
    [ms],
  );

interface JobOptions {
  readonly owner?: string;
  readonly job?: string;
  readonly workflowId?: string;
}
const begun = (options: JobOptions = {}): Promise<Claimed> => claim(ledger, { taskQueue, ...options });
const again = (job: Claimed, more: { cancelling?: boolean; releaseSeq?: number } = {}): Promise<Claimed> =>
  claim(ledger, { taskQueue, key: job.fence.key, workflowId: 'same', ...more });
const release = (job: Claimed) => endClaim(ledger, job.claim, 'released', 'for a deploy');
const mark = (job: Claimed, state: Parameters<typeof markJob>[3], reason = 'why') =>
  markJob(ledger, job.fence.key, job.claim, state, reason);

describe('what becomes of a job', () => {
  test('interrupted, going on and done: three notices, and none for its checkpoints', async () => {
    const first = await begun();
    await save(ledger.pool, first.fence, 1);
    await release(first);
    const second = await again(first);
    await save(ledger.pool, second.fence, 2);
    await save(ledger.pool, second.fence, 3, 'done');
    await release(second);
    expect(await events()).toEqual(['job.interrupted', 'job.resumed', 'job.finished']);
  });

  test('quarantined and released by a person', async () => {
    const job = await begun();
    await mark(job, 'quarantined');
    await release(job);
    await again(job, { releaseSeq: -1 });
    expect(await events()).toEqual(['job.quarantined', 'job.resumed']);
  });

  test('waiting after an error of its own, then failed', async () => {
    const job = await begun();
    await mark(job, 'waiting');
    await release(job);
    const second = await again(job);
    await mark(second, 'failed');
    await release(second);
    expect(await events()).toEqual(['job.failed']);
  });

  test('cancelled: neither the end of its slice nor the one that undoes it is an interruption', async () => {
    const job = await begun();
    await markCancelling(ledger, job.fence.key, job.claim);
    await release(job);
    const undoing = await again(job, { cancelling: true });
    await mark(undoing, 'cancelled');
    await release(undoing);
    expect(await events()).toEqual(['job.cancelled']);
  });

  test('a change that is undone is told to nobody', async () => {
    const job = await begun();
    const client = await begin(ledger);
    await markJob(onConnection(ledger, client), job.fence.key, job.claim, 'failed', 'no');
    await client.query('rollback');
    expect(await events()).toEqual([]);
  });
});

describe('a receiver', () => {
  test('is told of what it wants: events, jobs, owners', async () => {
    await writeReceivers(ledger, ENVIRONMENT, [
      everything('failures', { events: ['job.failed'] }),
      everything('imports', { jobs: ['import'] }),
      everything('of-ada', { owners: ['ada'] }),
      everything('owners', { toOwner: true }),
    ]);
    await release(await begun({ job: 'import', owner: 'ada' }));
    await mark(await begun({ job: 'report', owner: 'ada@example.org' }), 'failed');
    await mark(await begun(), 'cancelled');
    expect(await events('failures')).toEqual(['job.failed']);
    expect(await events('imports')).toEqual(['job.interrupted']);
    expect(await events('of-ada')).toEqual(['job.interrupted']);
    expect(await events('owners')).toEqual(['job.failed']);
  });

  test('shares the id of a notice with the others', async () => {
    await writeReceivers(ledger, ENVIRONMENT, [everything('one'), everything('two')]);
    await release(await begun());
    const [[one], [two]] = [await take('one'), await take('two')];
    expect(one!.id).toBe(two!.id);
    expect(one!.number).not.toBe(two!.number);
  });

  test('of another environment, or one that nobody has any more, is written nothing', async () => {
    await writeReceivers(ledger, 'staging', [everything('staging')]);
    await writeReceivers(ledger, ENVIRONMENT, []);
    await release(await begun());
    expect((await ledger.pool.query('select from lockkeeper.notices')).rowCount).toBe(0);
  });

  test('whose deploy workers have all been gone for 3 days is written nothing until one is back', async () => {
    await ledger.pool.query(`update lockkeeper._receivers set until = now() - interval '1 s'`);
    await release(await begun());
    expect(await events()).toEqual([]);
    await keepReceivers(ledger, ENVIRONMENT, ['all']);
    await release(await begun());
    expect(await events()).toEqual(['job.interrupted']);
  });
});

test('a notice holds what identifies the job and where it stands, and nothing that was said', async () => {
  const job = await begun({ owner: 'ada', job: 'import', workflowId: 'import-7' });
  await save(ledger.pool, job.fence, 1);
  await mark(job, 'failed', 'the secret of row 7');
  const { rows } = await ledger.pool.query<{ row: string }>('select n::text as row from lockkeeper._notices n');
  expect(rows[0]!.row).not.toContain('secret');
  const [notice] = await take();
  expect(notice).toMatchObject({
    event: 'job.failed',
    subject: 'import-7',
    owner: 'ada',
    attempts: 1,
    facts: { key: job.fence.key, name: 'import', taskQueue, state: 'failed', checkpoint: 1, interruptions: 0 },
  });
  // Whoever is to be told why reads it of the job, while it is so.
  expect(await readReason(ledger, notice!.facts)).toBe('the secret of row 7');
  await ledger.pool.query(`update lockkeeper._jobs set state = 'running' where key = $1`, [job.fence.key]);
  expect(await readReason(ledger, notice!.facts)).toBeUndefined();
});

describe('taking', () => {
  test('two at once share what there is, and nothing is taken twice', async () => {
    for (let n = 0; n < 20; n += 1) await release(await begun());
    const taken = (await Promise.all([take(), take(), take()])).flat();
    expect(new Set(numbersOf(taken)).size).toBe(taken.length);
    expect([...taken, ...(await take('all', 20))]).toHaveLength(20);
    expect(await take()).toEqual([]);
  });

  test('what was taken and never told is free again after a while, with the same id', async () => {
    await release(await begun());
    const [taken] = await take();
    expect(await take()).toEqual([]);
    await later(NOTICE_TAKEN_FOR);
    expect(await take()).toMatchObject([{ id: taken!.id, number: taken!.number, attempts: 2 }]);
  });

  test('a later notice of a job waits for an earlier one, but not for ever; other jobs do not wait', async () => {
    const job = await begun();
    await release(job);
    await again(job);
    await release(await begun({ workflowId: 'other' }));
    expect((await take()).map(({ event, subject }) => [event, subject === 'other'])).toEqual([
      ['job.interrupted', false],
      ['job.interrupted', true],
    ]);
    for (let tries = 1; tries < NOTICE_ORDER_TRIES; tries += 1) {
      expect((await take()).map(({ event }) => event)).toEqual([]);
      await later(NOTICE_TAKEN_FOR);
      await take();
    }
    // The earlier one has been tried often enough: now the later one goes beside it.
    await later(NOTICE_TAKEN_FOR);
    expect((await take()).map(({ event }) => event)).toContain('job.resumed');
  });

  test('the later one goes as soon as the earlier one was told', async () => {
    const job = await begun();
    await release(job);
    await again(job);
    const [interrupted] = await take();
    await recordDelivered(ledger, interrupted!.number);
    expect((await take()).map(({ event }) => event)).toEqual(['job.resumed']);
  });
});

describe('a failure', () => {
  test('is tried again when it is due', async () => {
    await release(await begun());
    const [taken] = await take();
    expect(await recordFailure(ledger, taken!, FAILURE)).toBe(false);
    expect(await take()).toEqual([]);
    await later(FAILURE.againAfter);
    expect(await take()).toMatchObject([{ attempts: 2 }]);
  });

  test('noted late, when somebody else has taken the notice, changes nothing', async () => {
    await release(await begun());
    const [slow] = await take();
    await later(NOTICE_TAKEN_FOR);
    const [quick] = await take();
    expect(await recordFailure(ledger, slow!, { ...FAILURE, forGood: true })).toBe(false);
    await recordDelivered(ledger, quick!.number);
    expect((await ledger.pool.query('select state from lockkeeper.notices')).rows).toEqual([{ state: 'delivered' }]);
  });

  test('after the deadline, or for good, is the last one: the notice is given up, and stays to be seen', async () => {
    for (const event of ['late', 'refused']) await release(await begun({ workflowId: event }));
    const taken = await take();
    const of = (subject: string) => taken.find((notice) => notice.subject === subject)!;
    expect(await recordFailure(ledger, of('refused'), { ...FAILURE, forGood: true })).toBe(true);
    await later(NOTICE_DEADLINE);
    expect(await recordFailure(ledger, of('late'), FAILURE)).toBe(true);
    const { rows } = await ledger.pool.query(
      'select state, error, ended_at is not null as ended from lockkeeper.notices',
    );
    expect(rows).toEqual(Array(2).fill({ state: 'failed', error: 'answered 500', ended: true }));
    await later(NOTICE_DEADLINE);
    expect(await take()).toEqual([]);
  });
});

describe('tidying', () => {
  const A_DAY = 86_400_000;
  const left = async () =>
    (await ledger.pool.query<{ state: string }>('select state from lockkeeper.notices order by number')).rows.map(
      ({ state }) => state,
    );

  test('removes what was told after a day, what was given up after 30', async () => {
    for (let n = 0; n < 3; n += 1) await release(await begun({ workflowId: String(n) }));
    const taken = await take();
    await recordDelivered(ledger, numbersOf(taken)[0]!);
    await recordFailure(
      ledger,
      taken.find(({ subject }) => subject === '1')!,
      { ...FAILURE, forGood: true },
    );
    await tidyNotices(ledger, ENVIRONMENT);
    expect(await left()).toEqual(['delivered', 'failed', 'pending']);
    await later(A_DAY + 1);
    expect(await tidyNotices(ledger, ENVIRONMENT)).toBe(0);
    expect(await left()).toEqual(['failed', 'pending']);
    await later(29 * A_DAY);
    await tidyNotices(ledger, ENVIRONMENT);
    expect(await left()).toEqual(['pending']);
  });

  test('gives up what is for a receiver that nobody has any more, after the deadline', async () => {
    await release(await begun());
    await writeReceivers(ledger, ENVIRONMENT, [everything('another')]);
    expect(await tidyNotices(ledger, ENVIRONMENT)).toBe(0);
    await later(NOTICE_DEADLINE + 1);
    expect(await tidyNotices(ledger, ENVIRONMENT)).toBe(1);
    expect(await left()).toEqual(['failed']);
  });
});

test('a deploy worker needs no more than the rights of a worker', async () => {
  const login = await freshLogin(ledger.databaseUrl, 'in role lockkeeper_worker');
  const own = await freshLedger({ databaseUrl: login.url });
  await writeReceivers(own, ENVIRONMENT, [everything('all')]);
  await keepReceivers(own, ENVIRONMENT, ['all']);
  for (let n = 0; n < 2; n += 1) await release(await claim(own, { taskQueue }));
  const [first, second] = await takeNotices(own, ENVIRONMENT, 'all', 10);
  await recordDelivered(own, first!.number);
  await recordFailure(own, second!, FAILURE);
  expect(await tidyNotices(own, ENVIRONMENT)).toBe(0);
  await expect(own.pool.query('update lockkeeper._notices set subject = event')).rejects.toMatchObject({
    code: '42501',
  });
});

test('the ledger and the sources agree on what is a mail address', async () => {
  const { isMailAddress } = await import('../../src/jobs/owner.ts');
  const owners = [
    'ada@example.org',
    'ada',
    '@ada',
    'a b@c.org',
    'a@b@c',
    'ada@',
    'a,b@c.org',
    '"a"@b.org',
    'ä@ö.org',
    randomUUID(),
  ];
  const { rows } = await ledger.pool.query<{ is: boolean }>(
    'select lockkeeper.is_mail_address(o) as is from unnest($1::text[]) with ordinality u(o, n) order by n',
    [owners],
  );
  expect(rows.map(({ is }) => is)).toEqual(owners.map(isMailAddress));
});
