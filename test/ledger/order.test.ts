import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { insertRequest, withdraw } from '../../src/ledger/deploy-requests.ts';
import { grantLock, recordOutcome } from '../../src/ledger/deploy-record.ts';
import { readDeploy } from '../../src/ledger/deploys.ts';
import { readEvents } from '../../src/ledger/event-log.ts';
import { giveTurn, readOrder } from '../../src/ledger/order.ts';
import { actOnDeploy, actOnFreeze } from '../../src/ledger/order-acts.ts';
import type { ApprovalPolicy, DeployRequest, ResolvedPlan } from '../../src/protocol.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();
let environment: string;
beforeEach(() => {
  environment = `environment-${randomUUID()}`;
});

const DAY = 86_400_000;
const policy = (count: number, more: Partial<ApprovalPolicy> = {}): ApprovalPolicy => ({
  count,
  notRequester: true,
  expireAfterMs: DAY,
  ...more,
});
const PLAN: ResolvedPlan = {
  name: 'default',
  queues: [],
  participants: [],
  drain: { deadlineMs: 1, onTimeout: 'abandon', waitMs: 0 },
  steps: [],
  onFailure: 'rollback',
  holdMs: 1,
};
const insert = (id: string, asks = policy(0), more: Partial<DeployRequest> = {}) =>
  insertRequest(ledger, environment, { id, plan: 'default', requestedBy: 'rita', ...more }, asks);
const approve = (deploy: string, by: string) => actOnDeploy(ledger, environment, { act: 'approve', deploy, by });
const say = (act: 'revoke' | 'expedite', deploy: string, by: string, more: object = {}) =>
  actOnDeploy(ledger, environment, { act, deploy, by, reason: 'so it is', ...more });
const turn = async () => (await giveTurn(ledger, environment, () => undefined)).turn;
const events = async (id: string) =>
  (await readEvents(ledger, environment, id)).map(({ event, actor }) => `${actor}: ${event}`);
/** Time passes: what was said and asked for is as long ago. */
async function pass(ms: number): Promise<void> {
  const by = [environment, `${ms} milliseconds`];
  await ledger.pool.query('update lockkeeper._approvals set at = at - $2::interval where environment = $1', by);
  await ledger.pool.query(
    'update lockkeeper._deploys set scheduled_for = scheduled_for - $2::interval where environment = $1',
    by,
  );
}

describe('approvals', () => {
  test('with enough of them a deploy has its place in the order, and not before', async () => {
    expect(await insert('v1', policy(2))).toEqual({
      deploy: 'v1',
      code: 100,
      waitsFor: { kind: 'approval', needed: 2, by: [], notRequester: true },
    });
    expect(await turn()).toBeUndefined();
    expect(await approve('v1', 'ann')).toMatchObject({ code: 100, waitsFor: { by: ['ann'] } });
    expect(await approve('v1', 'ANN')).toMatchObject({ code: 100, waitsFor: { by: ['ann'] } });
    expect(await turn()).toBeUndefined();
    const ticket = await approve('v1', 'bob');
    expect(ticket).toEqual({ deploy: 'v1', code: 200, approvalOrder: expect.any(Number) as number });
    expect((await readDeploy(ledger, environment, 'v1')).approvedAt).toBeInstanceOf(Date);
    expect(await turn()).toBe('v1');
    expect(await events('v1')).toEqual([
      'rita: requested',
      'lockkeeper: waiting',
      'ann: approved',
      'bob: approved',
      'lockkeeper: inOrder',
    ]);
  });

  test('deploys come in the order of their approval, not of their request', async () => {
    for (const id of ['a', 'b', 'c']) await insert(id, policy(1));
    for (const id of ['b', 'c', 'a']) await approve(id, 'ann');
    expect((await readOrder(ledger, environment)).queued.map((q) => q.deploy)).toEqual(['b', 'c', 'a']);
  });

  test('the requester, a stranger, and anybody where nobody is asked are refused', async () => {
    await insert('v1', policy(1, { allowed: ['rita', 'ann'] }));
    await insert('v2');
    const refused = { code: 'APPROVAL_REFUSED' };
    await expect(approve('v1', 'rita')).rejects.toMatchObject(refused);
    await expect(approve('v1', 'eve')).rejects.toThrow(/eve is not among those who may approve it: rita, ann/);
    await expect(approve('v2', 'ann')).rejects.toThrow(/its plan needs no approval/);
    await expect(approve('v9', 'ann')).rejects.toMatchObject({ code: 'DEPLOY_NOT_FOUND' });
    expect(await events('v1')).toEqual(['rita: requested', 'lockkeeper: waiting']);
  });

  test('taken back, a deploy loses its place and what was said of its haste; approved again, it is the last one', async () => {
    for (const id of ['a', 'b']) {
      await insert(id, policy(1));
      await approve(id, 'ann');
    }
    await say('expedite', 'a', 'bob', { throughFreeze: true });
    await expect(say('revoke', 'a', 'bob')).rejects.toThrow(/bob has not approved deploy a. It is approved by ann/);
    expect(await say('revoke', 'a', 'ann')).toMatchObject({ code: 100, waitsFor: { by: [] } });
    expect(await readDeploy(ledger, environment, 'a')).toMatchObject({
      approvalOrder: undefined,
      approvedAt: undefined,
      expeditedOrder: undefined,
      throughFreeze: false,
    });
    await approve('a', 'ann');
    expect((await readOrder(ledger, environment)).queued.map((q) => q.deploy)).toEqual(['b', 'a']);
    expect((await events('a')).slice(-6)).toEqual([
      'ann: approvalRevoked',
      'lockkeeper: orderLost',
      'lockkeeper: waiting',
      'ann: approved',
      'lockkeeper: inOrder',
      'lockkeeper: waiting',
    ]);
  });

  test('more than enough: one may be taken back without anything being lost', async () => {
    await insert('v1', policy(1));
    const { approvalOrder } = await approve('v1', 'ann');
    await approve('v1', 'bob');
    expect(await say('revoke', 'v1', 'ann')).toMatchObject({ code: 200, approvalOrder });
  });

  test('expired, they count no longer, which is on the record once; the deploy waits on', async () => {
    await insert('v1', policy(2));
    await approve('v1', 'ann');
    await pass(DAY / 2);
    await approve('v1', 'bob');
    await pass(DAY / 2);
    expect(await turn()).toBeUndefined();
    expect(await turn()).toBeUndefined();
    expect(await readDeploy(ledger, environment, 'v1')).toMatchObject({ code: 100, approvalOrder: undefined });
    expect((await events('v1')).slice(-4)).toEqual([
      'lockkeeper: inOrder',
      'lockkeeper: approvalExpired',
      'lockkeeper: orderLost',
      'lockkeeper: waiting',
    ]);
    await approve('v1', 'ann');
    expect(await turn()).toBe('v1');
  });

  test('from its turn on nothing takes it away', async () => {
    await insert('v1', policy(1));
    await approve('v1', 'ann');
    expect(await turn()).toBe('v1');
    await expect(say('revoke', 'v1', 'ann')).rejects.toMatchObject({ code: 'DEPLOY_NOT_CURRENT' });
    await expect(approve('v1', 'bob')).rejects.toThrow(/its turn has come.*deploy abort v1/s);
    await pass(2 * DAY);
    await actOnFreeze(ledger, environment, { act: 'freeze', by: 'ann', reason: 'r' });
    expect(await turn()).toBe('v1');
    expect((await grantLock(ledger, environment, 'v1', 'run', () => PLAN)).row.code).toBe(300);
  });

  test('an unapproved deploy gets no lock, and loses nothing when the run that somebody started for it has gone', async () => {
    await insert('v1', policy(1));
    await expect(grantLock(ledger, environment, 'v1', 'run', () => PLAN)).rejects.toMatchObject({
      code: 'DEPLOY_NOT_APPROVED',
    });
    await recordOutcome(ledger, { environment, deploy: 'v1' }, 'failed', 'its run has gone');
    expect(await readDeploy(ledger, environment, 'v1')).toMatchObject({ code: 100, outcome: undefined });
  });

  test('one that waits for approval can be withdrawn, and then is approved no more', async () => {
    await insert('v1', policy(1));
    await withdraw(ledger, environment, { deploy: 'v1', reason: 'a typo', by: 'rita' });
    await expect(approve('v1', 'ann')).rejects.toThrow(/has ended, aborted/);
  });
});

test('numbers are seen in their order, however many are given at once', async () => {
  const ids = Array.from({ length: 40 }, (_, i) => `v${i}`);
  await Promise.all(ids.map((id) => insert(id, policy(1))));
  let over = false;
  const seen: number[][] = [];
  const look = async () => {
    while (!over) {
      const { rows } = await ledger.pool.query<{ n: string }>(
        'select approval_order as n from lockkeeper._deploys where environment = $1 and approval_order is not null',
        [environment],
      );
      seen.push(rows.map(({ n }) => Number(n)));
    }
  };
  const looking = look();
  await Promise.all(ids.map((id) => approve(id, 'ann')));
  over = true;
  await looking;
  for (const [i, later] of seen.entries()) {
    const highest = Math.max(0, ...(seen[i - 1] ?? []));
    for (const n of later) if (!seen[i - 1]?.includes(n)) expect(n).toBeGreaterThan(highest);
  }
  expect((await readOrder(ledger, environment)).queued).toHaveLength(40);
});

describe('expedited and scheduled', () => {
  test('expedited ones come first, in the order of their expediting; said twice, it keeps its place', async () => {
    for (const id of ['a', 'b', 'c']) await insert(id);
    await say('expedite', 'c', 'ann');
    await say('expedite', 'b', 'ann');
    await say('expedite', 'c', 'bob');
    expect((await readOrder(ledger, environment)).queued.map((q) => q.deploy)).toEqual(['c', 'b', 'a']);
    await insert('d', policy(1));
    await expect(say('expedite', 'd', 'ann')).rejects.toMatchObject({ code: 'DEPLOY_NOT_APPROVED' });
  });

  test('one that is scheduled waits for its time and holds up nobody', async () => {
    const scheduledFor = new Date(Date.now() + 60_000).toISOString();
    expect(await insert('later', policy(0), { scheduledFor })).toMatchObject({
      code: 200,
      waitsFor: { kind: 'schedule', at: Date.parse(scheduledFor) },
    });
    await insert('now');
    expect(await turn()).toBe('now');
    await withdrawn('now');
    const order = await giveTurn(ledger, environment, () => undefined);
    expect(order).toMatchObject({ lookAgainAt: Date.parse(scheduledFor) });
    expect(order.turn).toBeUndefined();
    await pass(60_000);
    expect(await turn()).toBe('later');
  });

  test('the time is content: the same moment is the same request, another one is not', async () => {
    const first = await insert('v1', policy(0), { scheduledFor: '2026-12-01T12:00:00+01:00' });
    expect(await insert('v1', policy(0), { scheduledFor: '2026-12-01T11:00:00Z' })).toEqual(first);
    await expect(insert('v1', policy(0), { scheduledFor: '2026-12-01T12:00:00Z' })).rejects.toThrow(
      /another scheduledFor/,
    );
    await expect(insert('v1')).rejects.toThrow(/another scheduledFor/);
  });

  test.each([
    [-11 * 60_000, /is in the past: it is 2/],
    [367 * DAY, /is more than a year away/],
  ])('a time that cannot be meant is refused: %d ms away', async (away, words) => {
    const refused = insert('v1', policy(0), { scheduledFor: new Date(Date.now() + away).toISOString() });
    await expect(refused).rejects.toThrow(words);
    await expect(refused).rejects.toMatchObject({ code: 'DEPLOY_INVALID' });
  });

  test('asked for again when its time is long over, it is the same request', async () => {
    const scheduledFor = new Date(Date.now() + 1_000).toISOString();
    const first = await insert('v1', policy(0), { scheduledFor });
    await ledger.pool.query(
      `update lockkeeper._deploys set scheduled_for = now() - interval '1 day' where environment = $1`,
      [environment],
    );
    expect(await insert('v1', policy(0), { scheduledFor })).toMatchObject({ approvalOrder: first.approvalOrder! });
  });
});

describe('a freeze', () => {
  const freeze = (more: object = {}) =>
    actOnFreeze(ledger, environment, { act: 'freeze', by: 'ann', reason: 'month’s end', ...more });
  const unfreeze = () => actOnFreeze(ledger, environment, { act: 'unfreeze', by: 'bob', reason: 'over' });

  test('lets nobody begin but those that go through it, and ends by a word', async () => {
    for (const id of ['a', 'b']) await insert(id);
    expect(await freeze()).toEqual({
      changed: true,
      freeze: { reason: 'month’s end', by: 'ann', since: expect.any(Number) as number },
    });
    expect(await turn()).toBeUndefined();
    await say('expedite', 'b', 'ann');
    expect(await turn()).toBeUndefined();
    await say('expedite', 'b', 'ann', { throughFreeze: true });
    expect(await turn()).toBe('b');
    await withdrawn('b');
    expect(await turn()).toBeUndefined();
    expect(await unfreeze()).toEqual({ changed: true });
    expect(await unfreeze()).toEqual({ changed: false });
    expect(await turn()).toBe('a');
  });

  test('ends by itself', async () => {
    await insert('a');
    const until = new Date(Date.now() + 500).toISOString();
    await freeze({ until });
    expect(await giveTurn(ledger, environment, () => undefined)).toMatchObject({ lookAgainAt: Date.parse(until) });
    await expect.poll(turn).toBe('a');
    await expect(freeze({ until: '2026-01-01T00:00:00Z' })).rejects.toMatchObject({ code: 'DEPLOY_INVALID' });
  });

  test('by a window is not ended by a word, and is told to those who look on', async () => {
    await insert('a');
    const window = { reason: 'weekend', since: Date.now(), until: Date.now() + 60_000 };
    const order = await giveTurn(ledger, environment, () => window);
    expect(order.turn).toBeUndefined();
    expect((await readOrder(ledger, environment)).freeze).toEqual(window);
    expect(await unfreeze()).toEqual({ changed: false, freeze: window });
    // The config says otherwise meanwhile: what was seen once holds nobody.
    expect(await turn()).toBe('a');
    expect((await readOrder(ledger, environment)).freeze).toBeUndefined();
  });
});

async function withdrawn(id: string): Promise<void> {
  await withdraw(ledger, environment, { deploy: id, reason: 'r', by: 'test' });
}
