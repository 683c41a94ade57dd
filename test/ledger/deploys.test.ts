import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { grantLock, recordCode, recordOutcome, takeOver } from '../../src/ledger/deploy-record.ts';
import { insertRequest, withdraw } from '../../src/ledger/deploy-requests.ts';
import { contentHash, openDeploys, readDeploy } from '../../src/ledger/deploys.ts';
import { readEvents } from '../../src/ledger/event-log.ts';
import { readSteps, recordStep } from '../../src/ledger/deploy-steps.ts';
import type { DeployRequest, ResolvedPlan } from '../../src/protocol.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();
let environment: string;
beforeEach(() => {
  environment = `environment-${randomUUID()}`;
});

const request = (id: string, more: Partial<DeployRequest> = {}): DeployRequest => ({
  id,
  plan: 'default',
  requestedBy: 'ci',
  ...more,
});
const insert = (id: string, more?: Partial<DeployRequest>) => insertRequest(ledger, environment, request(id, more));
const plan = (name = 'default'): ResolvedPlan => ({
  name,
  queues: [],
  participants: [],
  drain: { deadlineMs: 1, onTimeout: 'abandon', waitMs: 0 },
  steps: [
    { type: 'external', name: 'ci', timeoutMs: 1, leaseMs: 1, claimWithinMs: 1 },
    { type: 'migrate', name: 'schema', timeoutMs: 1, directory: 'd', database: 'e' },
  ],
  onFailure: 'rollback',
  holdMs: 1,
});
const grant = (id: string, runId: string, resolved = plan()) =>
  grantLock(ledger, environment, id, runId, () => resolved);
const deploy = (id: string) => readDeploy(ledger, environment, id);
const events = async (name: string) => {
  const { rows } = await ledger.pool.query<{ detail: object }>(
    'select detail from lockkeeper.events where environment = $1 and event = $2 order by id',
    [environment, name],
  );
  return rows.map((row) => row.detail);
};

describe('a request', () => {
  test('is written down approved, with its ticket', async () => {
    const ticket = await insert('v1', { version: '1.2.3', parameters: { a: 'b' } });
    expect(ticket).toEqual({ deploy: 'v1', approvalOrder: expect.any(Number) as number, code: 200 });
    expect(await deploy('v1')).toMatchObject({
      request: request('v1', { version: '1.2.3', parameters: { a: 'b' } }),
      code: 200,
      direction: 'forward',
      outcome: undefined,
      token: undefined,
      runIds: [],
    });
  });

  test('again gets its first ticket, and is requested once', async () => {
    const first = await insert('v1');
    expect(await insert('v1')).toEqual(first);
    expect(await events('requested')).toHaveLength(1);
  });

  test('again with its keys in another order is the same request', async () => {
    const first = await insert('v1', { parameters: { a: '1', b: '2' } });
    expect(await insert('v1', { parameters: { b: '2', a: '1' } })).toEqual(first);
  });

  test('five times at once: one ticket', async () => {
    const tickets = await Promise.all(Array.from({ length: 5 }, () => insert('v1')));
    expect(new Set(tickets.map((ticket) => ticket.approvalOrder)).size).toBe(1);
    expect(await events('requested')).toHaveLength(1);
  });

  test('again after the deploy has ended tells the outcome', async () => {
    await insert('v1');
    await recordOutcome(ledger, { environment, deploy: 'v1' }, 'aborted', 'a person said so');
    expect(await insert('v1')).toMatchObject({ deploy: 'v1', outcome: 'aborted' });
  });

  test('with the same id and other contents is refused, and changes nothing', async () => {
    await insert('v1', { version: '1' });
    const refusal = insert('v1', { version: '2' });
    await expect(refusal).rejects.toMatchObject({ code: 'DEPLOY_CONFLICT' });
    await expect(refusal).rejects.toThrow(
      /deploy v1 was requested before with another version, by ci at \d{4}-.*Z, and waits its turn\. See it with `lockkeeper deploy show v1`/,
    );
    expect((await deploy('v1')).request.version).toBe('1');
  });

  test('of another environment may have the same id', async () => {
    const first = await insert('v1');
    const other = await insertRequest(ledger, `${environment}-2`, request('v1', { version: 'other' }));
    expect(other.approvalOrder).toBeGreaterThan(first.approvalOrder!);
  });

  test('that nobody made is an error', async () => {
    await expect(deploy('v9')).rejects.toMatchObject({ code: 'DEPLOY_NOT_FOUND' });
  });
});

test('deploys wait in the order of their approval; those that ended do not wait', async () => {
  for (const id of ['c', 'a', 'b']) await insert(id);
  expect((await openDeploys(ledger, environment)).map((row) => row.id)).toEqual(['c', 'a', 'b']);
  await recordOutcome(ledger, { environment, deploy: 'a' }, 'aborted', undefined);
  expect((await openDeploys(ledger, environment)).map((row) => row.id)).toEqual(['c', 'b']);
});

describe('the lock', () => {
  beforeEach(async () => {
    await insert('v1');
  });

  test('gives a run its token, the plan and its steps, and raises the code to 300', async () => {
    const { row } = await grant('v1', 'run-1');
    expect(row).toMatchObject({
      code: 300,
      runIds: ['run-1'],
      resolvedPlan: plan(),
      token: expect.any(Number) as number,
    });
    expect(row.lockGrantedAt).toBeInstanceOf(Date);
    expect(await readSteps(ledger, environment, 'v1')).toMatchObject([
      { n: 1, name: 'ci', type: 'external', state: 'pending' },
      { n: 2, name: 'schema', type: 'migrate', state: 'pending' },
    ]);
  });

  test('asked for again by the same run keeps the token, also after the code has grown', async () => {
    const first = await grant('v1', 'run-1');
    await recordCode(
      ledger,
      { environment, deploy: 'v1', token: first.row.token! },
      { code: 500, direction: 'forward' },
    );
    const again = await grant('v1', 'run-1');
    expect(again.row).toMatchObject({
      token: first.row.token,
      code: 500,
      runIds: ['run-1'],
      lockGrantedAt: first.row.lockGrantedAt,
    });
  });

  test('another run gets a higher token, and goes on with the first plan and the steps as they are', async () => {
    const first = await grant('v1', 'run-1');
    await recordStep(ledger, { environment, deploy: 'v1', token: first.row.token! }, { n: 1, state: 'done' });
    const second = await grant('v1', 'run-2', plan('changed since'));
    expect(second.row.token).toBeGreaterThan(first.row.token!);
    expect(second.plan).toEqual(plan());
    expect(second.row.runIds).toEqual(['run-1', 'run-2']);
    expect((await readSteps(ledger, environment, 'v1')).map((step) => step.state)).toEqual(['done', 'pending']);
  });

  test('a run that was taken over does not get it back, however late it asks', async () => {
    await grant('v1', 'run-1');
    const second = await grant('v1', 'run-2');
    const refusal = grant('v1', 'run-1');
    await expect(refusal).rejects.toMatchObject({ code: 'FENCED' });
    await expect(refusal).rejects.toThrow(/run-1/);
    expect((await deploy('v1')).token).toBe(second.row.token);
    await recordCode(
      ledger,
      { environment, deploy: 'v1', token: second.row.token! },
      { code: 400, direction: 'forward' },
    );
    expect((await deploy('v1')).code).toBe(400);
  });

  test('of a deploy that has ended is refused, with how it ended', async () => {
    await recordOutcome(ledger, { environment, deploy: 'v1' }, 'aborted', undefined);
    const refusal = grant('v1', 'run-1');
    await expect(refusal).rejects.toMatchObject({ code: 'DEPLOY_NOT_CURRENT' });
    await expect(refusal).rejects.toThrow(/has ended already: aborted/);
  });

  test('tokens of later deploys are higher', async () => {
    await insert('v2');
    const [one, two] = [await grant('v1', 'run-1'), await grant('v2', 'run-2')];
    expect(two.row.token).toBeGreaterThan(one.row.token!);
  });
});

describe('the code', () => {
  let ref: { environment: string; deploy: string; token: number };
  beforeEach(async () => {
    await insert('v1');
    ref = { environment, deploy: 'v1', token: (await grant('v1', 'run-1')).row.token! };
  });

  test('only grows, while the direction changes', async () => {
    await recordCode(ledger, ref, { code: 601, direction: 'forward' });
    await recordCode(ledger, ref, { code: 400, direction: 'back' });
    expect(await deploy('v1')).toMatchObject({ code: 601, direction: 'back' });
    await recordCode(ledger, ref, { code: 700, direction: 'back' });
    expect(await deploy('v1')).toMatchObject({ code: 700 });
  });

  test('a run with another token may not write it', async () => {
    const later = (await grant('v1', 'run-2')).row.token!;
    const refusal = recordCode(ledger, ref, { code: 500, direction: 'forward' });
    await expect(refusal).rejects.toMatchObject({ code: 'FENCED' });
    await expect(refusal).rejects.toThrow(new RegExp(`token ${ref.token} may not write`));
    expect(await deploy('v1')).toMatchObject({ code: 300, token: later });
  });

  test('nor a step', async () => {
    await grant('v1', 'run-2');
    await expect(recordStep(ledger, ref, { n: 1, state: 'started' })).rejects.toMatchObject({ code: 'FENCED' });
    expect((await readSteps(ledger, environment, 'v1')).map((step) => step.state)).toEqual(['pending', 'pending']);
  });

  test('what a frozen attempt writes late, or a repeated one again, changes nothing', async () => {
    await recordStep(ledger, ref, { n: 1, state: 'started', act: 1 });
    await recordStep(ledger, ref, { n: 1, state: 'done', act: 2 });
    await recordCode(ledger, ref, { code: 601, direction: 'back', act: 3 });
    const before = await readEvents(ledger, environment, 'v1');
    await recordStep(ledger, ref, { n: 1, state: 'started', act: 1 });
    await recordCode(ledger, ref, { code: 601, direction: 'back', act: 3 });
    await recordCode(ledger, ref, { code: 700, direction: 'forward', act: 2 });
    expect((await readSteps(ledger, environment, 'v1'))[0]).toMatchObject({ state: 'done' });
    expect(await deploy('v1')).toMatchObject({ code: 601, direction: 'back' });
    expect(await readEvents(ledger, environment, 'v1')).toEqual(before);
  });

  test('a later run counts its acts anew', async () => {
    await recordCode(ledger, ref, { code: 400, direction: 'forward', act: 7 });
    const { token } = (await grant('v1', 'run-2')).row;
    await recordCode(ledger, { ...ref, token: token! }, { code: 500, direction: 'forward', act: 1 });
    expect(await deploy('v1')).toMatchObject({ code: 500 });
  });

  test('a step remembers when it began, and that it ended', async () => {
    await recordStep(ledger, ref, { n: 1, state: 'started', runId: 'step-run' });
    const began = (await readSteps(ledger, environment, 'v1'))[0]!;
    expect(began).toMatchObject({ state: 'started', runId: 'step-run', endedAt: undefined });
    await recordStep(ledger, ref, { n: 1, state: 'done', note: 'well' });
    const ended = (await readSteps(ledger, environment, 'v1'))[0]!;
    expect(ended).toMatchObject({ state: 'done', note: 'well', runId: 'step-run', startedAt: began.startedAt });
    expect(ended.endedAt).toBeInstanceOf(Date);
  });
});

describe('the outcome', () => {
  beforeEach(async () => {
    await insert('v1');
  });

  test('is written once', async () => {
    const { row } = await grant('v1', 'run-1');
    await recordOutcome(ledger, { environment, deploy: 'v1', token: row.token! }, 'succeeded', undefined);
    const first = await deploy('v1');
    expect(first).toMatchObject({ outcome: 'succeeded', code: 900 });
    await recordOutcome(ledger, { environment, deploy: 'v1', token: row.token! }, 'failed', 'too late');
    expect(await deploy('v1')).toEqual(first);
    expect(await events('finished')).toEqual([{ outcome: 'succeeded' }]);
  });

  test('other than succeeded leaves the code where the deploy got to', async () => {
    const { row } = await grant('v1', 'run-1');
    await recordOutcome(ledger, { environment, deploy: 'v1', token: row.token! }, 'rolledBack', 'a step failed');
    expect(await deploy('v1')).toMatchObject({ outcome: 'rolledBack', outcomeReason: 'a step failed', code: 300 });
  });

  test('is not written by a run that was taken over', async () => {
    const first = await grant('v1', 'run-1');
    await grant('v1', 'run-2');
    await recordOutcome(ledger, { environment, deploy: 'v1', token: first.row.token! }, 'failed', 'stale');
    expect((await deploy('v1')).outcome).toBeUndefined();
  });
});

describe('a withdrawal', () => {
  const take = (id: string) => withdraw(ledger, environment, { deploy: id, reason: 'a typo', by: 'ann' });
  beforeEach(async () => {
    await insert('v1');
  });

  test('of a deploy that waits: it waits no longer, and the record says who and why', async () => {
    await take('v1');
    expect(await deploy('v1')).toMatchObject({ outcome: 'aborted', outcomeReason: 'withdrawn by ann: a typo' });
    expect(await openDeploys(ledger, environment)).toEqual([]);
    expect(await events('withdrawn')).toEqual([{ reason: 'a typo' }]);
  });

  test('of a deploy that has the lock is refused, with what to do', async () => {
    await grant('v1', 'run-1');
    await expect(take('v1')).rejects.toMatchObject({ code: 'DEPLOY_NOT_CURRENT' });
    await expect(take('v1')).rejects.toThrow(/has begun.*deploy abort v1/);
    expect((await deploy('v1')).outcome).toBeUndefined();
  });

  test('of a deploy that has ended is refused', async () => {
    await take('v1');
    await expect(take('v1')).rejects.toThrow(/has ended, aborted/);
    expect(await events('withdrawn')).toHaveLength(1);
  });

  test('at the moment the lock is granted: one of the two is refused', async () => {
    const ends = await Promise.allSettled([take('v1'), grant('v1', 'run-1')]);
    expect(ends.map((end) => end.status).sort()).toEqual(['fulfilled', 'rejected']);
    const { outcome, token } = await deploy('v1');
    expect(outcome === undefined).toBe(token !== undefined);
  });
});

test('the hash of contents does not depend on the order of keys, and does on everything else', () => {
  const same = contentHash({ a: 1, b: { c: [1, 2], d: null } });
  expect(contentHash({ b: { d: null, c: [1, 2] }, a: 1 })).toBe(same);
  expect(contentHash({ a: 1, b: { c: [2, 1], d: null } })).not.toBe(same);
  expect(contentHash({ a: '1', b: { c: [1, 2], d: null } })).not.toBe(same);
});

test('whoever settles a deploy takes the place of its run, which then writes nothing more', async () => {
  await insert('settled');
  const { row } = await grant('settled', 'run-1');
  const ref = { environment, deploy: 'settled' };
  const token = await takeOver(ledger, ref);
  expect(token).toBeGreaterThan(row.token!);
  const late = recordStep(ledger, { ...ref, token: row.token! }, { n: 1, state: 'started' });
  await expect(late).rejects.toMatchObject({ code: 'FENCED' });
  await recordStep(ledger, { ...ref, token: token! }, { n: 1, state: 'inDoubt' });
  await recordOutcome(ledger, ref, 'failed', 'its run was gone');
  expect(await takeOver(ledger, ref)).toBeUndefined();
});
