import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { grantLock, recordCode, recordOutcome, takeOver } from '../../src/ledger/deploy-record.ts';
import { insertRequest, withdraw } from '../../src/ledger/deploy-requests.ts';
import { recordStep } from '../../src/ledger/deploy-steps.ts';
import { addEvent } from '../../src/ledger/events.ts';
import { closeFence, ensureGate } from '../../src/ledger/gates.ts';
import { recordLateDrain } from '../../src/ledger/late-drain.ts';
import { readReason, takeNotices } from '../../src/ledger/notices.ts';
import { actOnDeploy, actOnFreeze } from '../../src/ledger/order-acts.ts';
import { writeReceivers } from '../../src/ledger/receivers.ts';
import type { ReceiverRow } from '../../src/ledger/receivers.ts';
import { DEPLOY_EVENTS, NOTICE_EVENTS } from '../../src/notices/events.ts';
import { noticeOf } from '../../src/notices/notice.ts';
import type { DeployNotice } from '../../src/notices/notice.ts';
import { CODE } from '../../src/protocol.ts';
import type { DeployRequest, ResolvedPlan } from '../../src/protocol.ts';
import { begin } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();
let environment: string;
const everything = (name: string, more: Partial<ReceiverRow> = {}): ReceiverRow => ({
  name,
  events: NOTICE_EVENTS,
  toOwner: false,
  ...more,
});
beforeEach(async () => {
  environment = `environment-${randomUUID()}`;
  await writeReceivers(ledger, environment, [everything('all')]);
});

const PLAN: ResolvedPlan = {
  name: 'default',
  queues: [],
  participants: [],
  drain: { deadlineMs: 60_000, onTimeout: 'wait', waitMs: 1_000 },
  steps: ['one', 'two'].map((name) => ({
    type: 'command',
    name,
    timeoutMs: 1_000,
    idempotent: false,
    command: { argv: ['true'] },
  })),
  onFailure: 'rollback',
  holdMs: 60_000,
};
const ask = (id: string, more: Partial<DeployRequest> = {}, count = 0) =>
  insertRequest(
    ledger,
    environment,
    { id, plan: 'default', requestedBy: 'rita', ...more },
    { count, notRequester: true, expireAfterMs: 60_000 },
  );
const grant = async (id: string, runId: string, plan = PLAN) => {
  const { row } = await grantLock(ledger, environment, id, runId, () => plan);
  return { environment, deploy: id, token: row.token! };
};
const told = async (receiver = 'all'): Promise<DeployNotice[]> =>
  (await takeNotices(ledger, environment, receiver, 100)).map(
    (taken) => noticeOf(taken, environment, undefined) as DeployNotice,
  );
const events = async (receiver = 'all') => (await told(receiver)).map(({ type }) => type);
/** All of one deploy are taken one after the other; here they are read as they are. */
const written = async () =>
  (
    await ledger.pool.query<{ event: string; facts: Record<string, unknown> }>(
      'select event, facts from lockkeeper._notices where environment = $1 order by number',
      [environment],
    )
  ).rows;
const names = async () => (await written()).map(({ event }) => event);

test('a deploy that succeeds: asked for, begun, finished; a run that goes on with it has not begun anew', async () => {
  await ask('v1', { version: '4.2' });
  await grant('v1', 'run-1');
  await grant('v1', 'run-1');
  const ref = await grant('v1', 'run-2');
  await recordStep(ledger, ref, { n: 1, state: 'done', mayHold: true });
  await recordOutcome(ledger, ref, 'succeeded', undefined);
  await recordOutcome(ledger, ref, 'succeeded', undefined);
  expect(await names()).toEqual(['deploy.requested', 'deploy.started', 'deploy.finished']);
  expect((await told())[0]).toMatchObject({
    type: 'deploy.requested',
    data: { environment, deploy: { id: 'v1', version: '4.2', plan: 'default', requestedBy: 'rita', code: 100 } },
  });
});

test('what a deploy waits for is told once for each reason: approval, a freeze, another deploy', async () => {
  await ask('first');
  const ref = await grant('first', 'run');
  await ask('v2', {}, 2);
  await actOnDeploy(ledger, environment, { act: 'approve', deploy: 'v2', by: 'ann' });
  await actOnFreeze(ledger, environment, { act: 'freeze', by: 'ann', reason: 'sale' });
  await actOnDeploy(ledger, environment, { act: 'approve', deploy: 'v2', by: 'bob' });
  await ask('v2', {}, 2);
  await actOnFreeze(ledger, environment, { act: 'unfreeze', by: 'ann', reason: 'over' });
  await recordOutcome(ledger, ref, 'aborted', 'aborted by ann: no');
  const waiting = (await written()).filter(({ event }) => event === 'deploy.waiting');
  expect(waiting.map(({ facts }) => facts['waitsFor'])).toEqual([
    { kind: 'approval', needed: 2, by: [], notRequester: true },
    { kind: 'freeze', by: 'ann', reason: 'sale', since: expect.any(Number) as number },
    { kind: 'order', ahead: ['first'] },
  ]);
});

test('a lost lease is told, and that the deploy is held until when; then which step has stopped it', async () => {
  await ask('v1');
  const ref = await grant('v1', 'run');
  await recordStep(ledger, ref, { n: 1, state: 'done', mayHold: true });
  await recordStep(ledger, ref, { n: 2, state: 'inDoubt', note: 'lease lost: silent', mayHold: true });
  await recordCode(ledger, ref, { code: CODE.stepsBase + 1, direction: 'back' });
  await recordStep(ledger, ref, { n: 2, state: 'failed', note: 'not undone', mayHold: true });
  await recordOutcome(ledger, ref, 'failed', 'step 2, two, is in doubt: secret output');
  const [, , lost, held, failed] = await written();
  expect(await names()).toEqual([
    'deploy.requested',
    'deploy.started',
    'deploy.leaseLost',
    'deploy.held',
    'deploy.failed',
  ]);
  const step = { n: 2, name: 'two', type: 'command' };
  expect(lost!.facts['step']).toEqual(step);
  expect(held!.facts).toMatchObject({ step, until: expect.any(String) as string });
  expect(Date.parse(held!.facts['until'] as string) - Date.now()).toBeGreaterThan(50_000);
  expect(failed!.facts).toMatchObject({ step, outcome: 'failed' });
  // What was written by a command is told to those only who are to hear it, and is not in the outbox.
  expect(JSON.stringify(await written())).not.toContain('secret output');
  expect(await readReason(ledger, { record: failed!.facts['record'] as number })).toContain('secret output');
});

test('a failed step holds only where the plan says so, and not what a person has ended', async () => {
  for (const [id, onFailure] of [
    ['rolls-back', 'rollback'],
    ['holds', 'hold'],
  ] as const) {
    await ask(id);
    const ref = await grant(id, id, { ...PLAN, onFailure });
    await recordStep(ledger, ref, { n: 1, state: 'failed', mayHold: true });
  }
  await ask('ended');
  const ref = await grant('ended', 'run', { ...PLAN, onFailure: 'hold' });
  await ledger.pool.query(
    `insert into lockkeeper._events (namespace, environment, deploy, actor, event) values ($1, $2, 'ended', 'ann', 'abort')`,
    [ledger.namespace, environment],
  );
  await recordStep(ledger, ref, { n: 1, state: 'failed', mayHold: true });
  // Whoever settles a deploy whose run is gone holds nothing.
  const token = await takeOver(ledger, { environment, deploy: 'holds' });
  await recordStep(ledger, { environment, deploy: 'holds', token: token! }, { n: 1, state: 'inDoubt' });
  const { rows } = await ledger.pool.query(
    `select subject from lockkeeper._notices where environment = $1 and event = 'deploy.held'`,
    [environment],
  );
  expect(rows).toEqual([{ subject: 'holds' }]);
});

test('what a person gave as a reason is told: a hold, a withdrawal', async () => {
  await ask('v1');
  await withdraw(ledger, environment, { deploy: 'v1', reason: 'not today', by: 'ann' });
  expect((await written()).at(-1)).toMatchObject({
    event: 'deploy.aborted',
    facts: { by: 'ann', said: 'not today', outcome: 'aborted' },
  });
});

test('a drain is told when its deadline is near and when it has passed, once each, with what holds it up', async () => {
  await ask('v1');
  const ref = await grant('v1', 'run');
  await ensureGate(ledger, environment, 'imports');
  await closeFence(ledger, 'imports', ref, undefined);
  const late = (ms: number, drained = false) =>
    ledger.pool
      .query(`update lockkeeper._gates set changed_at = now() - $2 * interval '1 ms' where environment = $1`, [
        environment,
        ms,
      ])
      .then(() => recordLateDrain(ledger, ref, [{ taskQueue: 'imports', generation: 1, drained, running: 1 }]));
  await late(40_000);
  await late(50_000);
  await late(59_000);
  await late(61_000);
  await late(70_000);
  await late(80_000, true);
  const [near, past, more] = (await written()).filter(({ event }) => event === 'deploy.drainLate');
  expect(near!.facts['drain']).toMatchObject({ past: false, taskQueues: ['imports'], onTimeout: 'wait' });
  expect(past!.facts['drain']).toMatchObject({ past: true, taskQueues: ['imports'] });
  expect(more).toBeUndefined();
});

test('whoever asked is told by mail where that is an address; receivers of jobs hear nothing', async () => {
  await writeReceivers(ledger, environment, [
    everything('requesters', { toOwner: true }),
    everything('of-a-job', { jobs: ['importCities'] }),
    everything('starts', { events: ['deploy.started'] }),
  ]);
  await ask('v1', { requestedBy: 'rita@example.org' });
  await ask('v2');
  await grant('v1', 'run');
  expect(await events('starts')).toEqual(['deploy.started']);
  expect(await events('of-a-job')).toEqual([]);
  const { rows } = await ledger.pool.query(
    `select distinct subject, owner from lockkeeper._notices where environment = $1 and receiver = 'requesters'`,
    [environment],
  );
  expect(rows).toEqual([{ subject: 'v1', owner: 'rita@example.org' }]);
});

test('what is undone is told to nobody', async () => {
  const client = await begin(ledger);
  await ask('v1');
  const before = await names();
  await addEvent(ledger, { environment, deploy: 'v1', actor: 'ann', event: 'withdrawn' }, client);
  await client.query('rollback');
  expect(await names()).toEqual(before);
});

test('every event of the list is one that the ledger can write', async () => {
  const { rows } = await ledger.pool.query<{ told: string }>(
    `select distinct lockkeeper._deploy_notice(event, detail, true) as told from (values
       ('requested', '{}'::jsonb), ('waiting', '{}'), ('lockGranted', '{}'), ('drainLate', '{}'), ('held', '{}'), ('hold', '{}'),
       ('step', '{"state": "inDoubt", "note": "lease lost: silent"}'), ('withdrawn', '{}'),
       ('finished', '{"outcome": "succeeded"}'), ('finished', '{"outcome": "failed"}'),
       ('finished', '{"outcome": "rolledBack"}'), ('finished', '{"outcome": "aborted"}')) of_record (event, detail)`,
  );
  expect(rows.map((row) => row.told).sort()).toEqual([...DEPLOY_EVENTS].sort());
});
