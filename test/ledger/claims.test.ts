import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { LOSSES_UNTIL_QUARANTINE } from '../../src/defaults.ts';
import { markJob } from '../../src/ledger/mark-job.ts';
import { claimSlice, claimsOfWorker, endClaim, runningClaims } from '../../src/ledger/claims.ts';
import { closeFence, isDrained } from '../../src/ledger/gates.ts';
import { claim, claimState, head, one, openQueue, save } from '../support/claiming.ts';
import type { Claimed } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { LedgerProxy } from '../support/ledger-proxy.ts';

const ledger = await freshLedger();
let taskQueue: string;
let key: string;
beforeEach(async () => {
  taskQueue = await openQueue(ledger);
  key = `job-${randomUUID()}`;
});

/** The next attempt of the job under test. */
const next = (request: Partial<Parameters<typeof claim>[1]> = {}): Promise<Claimed> =>
  claim(ledger, { taskQueue, key, ...request });

describe('a claim that was superseded', () => {
  test('is fenced, its saves are refused, and the new one writes', async () => {
    const first = await next();
    expect(await save(ledger.pool, first.fence, 1)).toBe(true);
    const second = await next({ seq: 1 });
    expect(second).toMatchObject({ verdict: 'claimed', seq: 1, epoch: 2 });
    expect(await claimState(ledger, first.claim)).toBe('fenced');
    expect(await save(ledger.pool, first.fence, 2)).toBe(false);
    expect(await save(ledger.pool, second.fence, 2)).toBe(true);
    expect(await head(ledger, key)).toMatchObject({ seq: 2, claim: second.claim, state: 'running' });
  });

  test('does not take the job from its successor when it confirms', async () => {
    const first = await next();
    const second = await next();
    expect(await endClaim(ledger, first.claim, 'released', 'stopped')).toEqual({ ended: true });
    expect(await claimState(ledger, first.claim)).toBe('released');
    expect(await head(ledger, key)).toMatchObject({ claim: second.claim, state: 'running' });
    expect(await save(ledger.pool, second.fence, 1)).toBe(true);
  });

  test('holds up no drain: only its successor does', async () => {
    const first = await next();
    const second = await next();
    expect((await runningClaims(ledger, taskQueue)).map((row) => row.claim)).toEqual([second.claim]);
    await closeFence(ledger, taskQueue, { deploy: 'v1', token: 1 }, undefined);
    expect((await endClaim(ledger, second.claim, 'released', 'stepped aside')).drained).toBeDefined();
    expect(await claimState(ledger, first.claim)).toBe('fenced');
  });

  test('stays on the list of its worker until the worker confirms', async () => {
    const worker = randomUUID();
    const first = await next({ worker });
    await next();
    expect(await claimsOfWorker(ledger, worker)).toEqual([first.claim]);
    await endClaim(ledger, first.claim, 'released', 'stopped');
    expect(await claimsOfWorker(ledger, worker)).toEqual([]);
  });
});

test('the epoch grows with every claim, and an epoch of before saves nothing under a later one', async () => {
  const epochs: number[] = [];
  for (let n = 0; n < 3; n += 1) {
    const claimed = await next();
    epochs.push(claimed.epoch);
    await endClaim(ledger, claimed.claim, 'released', 'stepped aside');
  }
  expect(epochs).toEqual([1, 2, 3]);
  const last = await next();
  expect(await save(ledger.pool, { ...last.fence, epoch: 3 }, 1)).toBe(false);
  expect(await save(ledger.pool, last.fence, 1)).toBe(true);
});

test('only the number after the last one is saved: not the same again, none left out', async () => {
  const { fence } = await next();
  expect(await save(ledger.pool, fence, 2)).toBe(false);
  expect(await save(ledger.pool, fence, 1)).toBe(true);
  expect(await save(ledger.pool, fence, 1)).toBe(false);
  expect(await save(ledger.pool, fence, 3)).toBe(false);
  expect(await save(ledger.pool, fence, 2)).toBe(true);
  expect(await head(ledger, key)).toMatchObject({ seq: 2 });
});

test('a released claim saves nothing more', async () => {
  const { claim: id, fence } = await next();
  await endClaim(ledger, id, 'released', 'stepped aside');
  expect(await save(ledger.pool, fence, 1)).toBe(false);
  expect(await head(ledger, key)).toMatchObject({ seq: 0, state: 'interrupted', claim: null });
});

test('a released claim keeps its token and seq until the next claim', async () => {
  const { claim: id, fence } = await next({ taskToken: Buffer.from('token of the first') });
  await save(ledger.pool, fence, 1);
  await endClaim(ledger, id, 'released', 'stepped aside');
  const kept = () =>
    ledger.pool.query('select task_token, seq::integer from lockkeeper._claims where claim = $1', [id]);
  expect((await kept()).rows).toEqual([{ task_token: Buffer.from('token of the first'), seq: 1 }]);
  await next();
  expect((await kept()).rows).toEqual([]);
});

describe('losses', () => {
  const lose = async (how: 'superseded' | 'lost'): Promise<Claimed> => {
    const claimed = await next();
    if (how === 'lost') await endClaim(ledger, claimed.claim, 'lost', 'its worker is gone');
    return claimed;
  };

  test.each(['superseded', 'lost'] as const)(
    'five without progress (%s) quarantine the job, and say where it stood',
    async (how) => {
      for (let n = 0; n < LOSSES_UNTIL_QUARANTINE; n += 1) expect((await lose(how)).verdict).toBe('claimed');
      const refused = await next();
      expect(refused).toMatchObject({ verdict: 'quarantined' });
      expect(refused.reason).toMatch(/interrupted 5 times without progress since checkpoint 0/);
      expect(await head(ledger, key)).toMatchObject({ state: 'quarantined', claim: null, losses: 5 });
      expect(await next()).toMatchObject({ verdict: 'quarantined', reason: refused.reason });
      expect(await isRunningSomewhere()).toBe(false);
    },
  );

  const isRunningSomewhere = async () => (await runningClaims(ledger, taskQueue)).length > 0;

  test.each(['superseded', 'lost'] as const)('progress before each (%s): never a quarantine', async (how) => {
    for (let n = 1; n <= 2 * LOSSES_UNTIL_QUARANTINE; n += 1) {
      const claimed = await lose(how === 'lost' ? 'superseded' : how);
      expect(claimed.verdict).toBe('claimed');
      expect(await save(ledger.pool, claimed.fence, n)).toBe(true);
      if (how === 'lost') await endClaim(ledger, claimed.claim, 'lost', 'its worker is gone');
    }
    expect((await next()).verdict).toBe('claimed');
    expect(await head(ledger, key)).toMatchObject({ losses: 1 });
  });

  test('progress after four begins the count anew', async () => {
    for (let n = 0; n < LOSSES_UNTIL_QUARANTINE - 1; n += 1) await lose('lost');
    const moving = await next();
    expect(await save(ledger.pool, moving.fence, 1)).toBe(true);
    await endClaim(ledger, moving.claim, 'lost', 'its worker is gone');
    expect(await head(ledger, key)).toMatchObject({ losses: 1 });
    for (let n = 1; n < LOSSES_UNTIL_QUARANTINE; n += 1) expect((await lose('lost')).verdict).toBe('claimed');
    expect((await next()).verdict).toBe('quarantined');
  });

  test.each(['released', 'fenced'] as const)('planned ends (%s) never count, however many', async (state) => {
    for (let n = 0; n < 2 * LOSSES_UNTIL_QUARANTINE; n += 1) {
      const claimed = await next();
      expect(claimed.verdict).toBe('claimed');
      await endClaim(ledger, claimed.claim, state, 'a deploy');
    }
    expect(await head(ledger, key)).toMatchObject({ losses: 0, state: 'interrupted', interruptions: 10 });
  });

  test('a claim whose own worker said that it had stopped does not count, and is released', async () => {
    let stopped = await next();
    for (let n = 0; n < 2 * LOSSES_UNTIL_QUARANTINE; n += 1) {
      const later = await next({ stopped: stopped.claim });
      expect(later.verdict).toBe('claimed');
      stopped = later;
    }
    expect(await head(ledger, key)).toMatchObject({ losses: 0 });
  });

  test('a claim other than the one that stopped does count', async () => {
    await next();
    await next({ stopped: randomUUID() });
    expect(await head(ledger, key)).toMatchObject({ losses: 1 });
  });

  test('a claim whose reply was lost: its worker says so, and nothing is counted', async () => {
    const proxy = await LedgerProxy.start(ledger.databaseUrl);
    const through = await freshLedger({ databaseUrl: proxy.databaseUrl });
    const lost = proxy.loseReplyTo(/claim_slice/);
    const id = randomUUID();
    await expect(claim(through, { taskQueue, key, claim: id })).rejects.toThrow();
    await lost;
    expect(await claimState(ledger, id)).toBe('running');
    expect((await next({ stopped: id })).verdict).toBe('claimed');
    expect(await head(ledger, key)).toMatchObject({ losses: 0, epoch: 2 });
  });
});

describe('a ledger behind the workflow', () => {
  test('quarantines the job instead of doing its work again', async () => {
    const first = await next();
    await save(ledger.pool, first.fence, 1);
    await endClaim(ledger, first.claim, 'released', 'stepped aside');
    const behind = await next({ seq: 7 });
    expect(behind).toMatchObject({ verdict: 'behind', seq: 1 });
    expect(behind.reason).toMatch(/at checkpoint 1, the workflow was told of 7.*restored from an older backup/);
    expect(await head(ledger, key)).toMatchObject({ state: 'quarantined', seq: 1 });
  });

  test('leaves no claim of before that still counts as running', async () => {
    const first = await next();
    expect((await next({ seq: 7 })).verdict).toBe('behind');
    expect(await claimState(ledger, first.claim)).toBe('fenced');
    expect(await save(ledger.pool, first.fence, 1)).toBe(false);
  });
});

describe('a job that has ended', () => {
  test('is not run again, also when its gate is closed', async () => {
    const first = await next();
    expect(await save(ledger.pool, first.fence, 1, 'done')).toBe(true);
    await endClaim(ledger, first.claim, 'released', 'the job ended');
    expect(await next()).toMatchObject({ verdict: 'ended', reason: 'done', seq: 1 });
    await closeFence(ledger, taskQueue, { deploy: 'v1', token: 1 }, undefined);
    expect(await next()).toMatchObject({ verdict: 'ended', reason: 'done', seq: 1 });
  });

  test('whose worker died before it released the claim holds up no drain once it was asked for again', async () => {
    const first = await next();
    await save(ledger.pool, first.fence, 1, 'done');
    expect((await next()).verdict).toBe('ended');
    expect(await claimState(ledger, first.claim)).toBe('fenced');
    await closeFence(ledger, taskQueue, { deploy: 'v1', token: 1 }, undefined);
    expect(await isDrained(ledger, taskQueue)).toBe(true);
  });

  test('by cancellation says so', async () => {
    const first = await next();
    await markJob(ledger, key, first.claim, 'cancelled', 'cancelled');
    await endClaim(ledger, first.claim, 'released', 'cancelled');
    expect(await next()).toMatchObject({ verdict: 'ended', reason: 'cancelled' });
  });
});

test('a job that failed may run again: its workflow was reset', async () => {
  const first = await next();
  await save(ledger.pool, first.fence, 1);
  await markJob(ledger, key, first.claim, 'failed', 'the disk is full');
  await endClaim(ledger, first.claim, 'released', 'failed');
  expect(await next({ seq: 1 })).toMatchObject({ verdict: 'claimed', seq: 1 });
  expect(await head(ledger, key)).toMatchObject({ state: 'running', reason: null });
});

describe('a quarantined job', () => {
  const quarantined = async (checkpoints: number) => {
    const first = await next();
    for (let seq = 1; seq <= checkpoints; seq += 1) await save(ledger.pool, first.fence, seq);
    await markJob(ledger, key, first.claim, 'quarantined', 'the checkpoint does not parse');
    await endClaim(ledger, first.claim, 'released', 'quarantined');
  };
  const restoreSeq = async () =>
    (
      await ledger.pool.query<{ n: string | null }>('select restore_seq as n from lockkeeper._jobs where key = $1', [
        key,
      ])
    ).rows[0]?.n;

  test('waits, and says why', async () => {
    await quarantined(1);
    expect(await next()).toMatchObject({ verdict: 'quarantined', reason: 'the checkpoint does not parse' });
  });

  test.each([
    ['the last checkpoint', -1, null],
    ['the initial state', 0, '0'],
    ['a checkpoint that is kept', 1, '1'],
  ])('released to go on from %s', async (_, releaseSeq, restore) => {
    await quarantined(2);
    expect(await next({ releaseSeq })).toMatchObject({ verdict: 'claimed', seq: 2 });
    expect(await restoreSeq()).toBe(restore);
    expect(await head(ledger, key)).toMatchObject({ state: 'running', losses: 0, reason: null });
  });

  test('released to a checkpoint that is not there: still quarantined, and says so', async () => {
    await quarantined(1);
    expect(await next({ releaseSeq: 5 })).toMatchObject({
      verdict: 'quarantined',
      reason: 'there is no checkpoint 5 to go on from',
    });
  });

  test('the next save after a release goes on counting, and the choice is used up', async () => {
    await quarantined(2);
    const claimed = await next({ releaseSeq: 0 });
    expect(await save(ledger.pool, claimed.fence, 3)).toBe(true);
    expect(await restoreSeq()).toBeNull();
  });
});

test('an atomic slice writes down when it must have ended; until then it may not be stopped', async () => {
  const stoppable = async () => (await runningClaims(ledger, taskQueue)).map((one) => !one.mayNotBeStopped);
  const { claim: id } = await next({ atomicMs: 60_000 });
  expect(await stoppable()).toEqual([false]);
  const row = await one<{ ms: number }>(
    ledger,
    'select extract(epoch from atomic_until - clock_timestamp())::float8 * 1000 as ms from lockkeeper._claims where claim = $1',
    [id],
  );
  expect(row!.ms).toBeGreaterThan(50_000);
  expect(row!.ms).toBeLessThanOrEqual(60_000);
  await ledger.pool.query('update lockkeeper._claims set atomic_until = clock_timestamp() where claim = $1', [id]);
  expect(await stoppable()).toEqual([true]);
});

test('an atomic slice that is given up counts as lost, any other does not', async () => {
  const atomic = await next({ atomicMs: 1, lossesAllowed: 1 });
  await endClaim(ledger, atomic.claim, 'fenced', 'given up');
  expect(await next({ atomicMs: 1, lossesAllowed: 1 })).toMatchObject({
    verdict: 'quarantined',
    reason: expect.stringContaining('it is atomic: whether its work was done nobody knows') as string,
  });
  key = `job-${randomUUID()}`;
  const other = await next();
  await endClaim(ledger, other.claim, 'fenced', 'given up');
  expect(await next()).toMatchObject({ verdict: 'claimed' });
});

test('two claims of one job at once: one after the other, and only the later one writes', async () => {
  const requests = [0, 1].map(() => next());
  const both = await Promise.all(requests);
  expect(both.map((one) => one.epoch).sort()).toEqual([1, 2]);
  const [earlier, later] = both.sort((a, b) => a.epoch - b.epoch);
  expect(await save(ledger.pool, earlier!.fence, 1)).toBe(false);
  expect(await save(ledger.pool, later!.fence, 1)).toBe(true);
});

test('a claim id is used once only', async () => {
  const { claim: id } = await next();
  const again = {
    claim: id,
    key,
    workflowId: 'w',
    job: 'count',
    taskQueue,
    worker: randomUUID(),
    buildId: 'b',
    taskToken: Buffer.alloc(0),
    seq: 0,
  };
  await expect(claimSlice(ledger, again)).rejects.toMatchObject({ code: '23505' });
});
