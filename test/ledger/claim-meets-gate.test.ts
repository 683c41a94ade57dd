import { expect, test } from 'vitest';
import { endClaim, runningClaims } from '../../src/ledger/claims.ts';
import { closeFence, isDrained, openFence, releaseGate } from '../../src/ledger/gates.ts';
import {
  begin,
  claim,
  claimState,
  head,
  onConnection,
  openQueue,
  stoppedBeforeCommit,
  untilBlocked,
} from '../support/claiming.ts';
import { inTime } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();
const owner = { deploy: 'v1', token: 1 };

test('a claim that has read the open gate and is not committed: the close waits for it, and counts it', async () => {
  const taskQueue = await openQueue(ledger);
  const session = await begin(ledger);
  const claimed = await claim(onConnection(ledger, session), { taskQueue });
  expect(claimed.verdict).toBe('claimed');

  const closing = closeFence(ledger, taskQueue, owner, undefined);
  await untilBlocked(ledger, 1);
  await session.query('commit');

  const generation = await inTime(closing, 5_000, 'the gate did not close');
  expect(await isDrained(ledger, taskQueue)).toBe(false);
  expect(await runningClaims(ledger, taskQueue)).toMatchObject([{ claim: claimed.claim }]);
  expect(await endClaim(ledger, claimed.claim, 'released', 'stepped aside')).toEqual({
    ended: true,
    drained: { environment: 'production', deploy: 'v1', generation, taskQueue },
  });
});

test('a claim that is rolled back after the gate waited for it: drained at once', async () => {
  const taskQueue = await openQueue(ledger);
  const session = await begin(ledger);
  await claim(onConnection(ledger, session), { taskQueue });
  const closing = closeFence(ledger, taskQueue, owner, undefined);
  await untilBlocked(ledger, 1);
  await session.query('rollback');
  await inTime(closing, 5_000, 'the gate did not close');
  expect(await isDrained(ledger, taskQueue)).toBe(true);
});

test('a job that has not begun and finds the gate closed leaves nothing behind: it is pending as before', async () => {
  const taskQueue = await openQueue(ledger);
  await closeFence(ledger, taskQueue, owner, undefined);
  const refused = await claim(ledger, { taskQueue });
  expect(refused).toMatchObject({ verdict: 'gateClosed', epoch: 0, seq: 0, reason: 'deploy v1' });
  expect(await head(ledger, refused.fence.key)).toBeUndefined();
});

test('a claim that comes while the gate closes waits for it, and is refused', async () => {
  const taskQueue = await openQueue(ledger);
  const held = stoppedBeforeCommit(ledger);
  const closing = closeFence(held.ledger, taskQueue, owner, undefined);
  await held.reached;

  const claiming = claim(ledger, { taskQueue });
  await untilBlocked(ledger, 1);
  held.goOn();

  await closing;
  const refused = await inTime(claiming, 5_000, 'the claim did not end');
  expect(refused).toMatchObject({ verdict: 'gateClosed', reason: 'deploy v1' });
  expect(await claimState(ledger, refused.claim)).toBeUndefined();
  expect(await isDrained(ledger, taskQueue)).toBe(true);
});

test('a claim that comes after the close is refused and leaves the job as it was', async () => {
  const taskQueue = await openQueue(ledger);
  const { claim: first, fence } = await claim(ledger, { taskQueue });
  await endClaim(ledger, first, 'released', 'stepped aside');
  const before = await head(ledger, fence.key);
  await closeFence(ledger, taskQueue, owner, undefined);
  expect(await claim(ledger, { taskQueue, key: fence.key })).toMatchObject({ verdict: 'gateClosed', epoch: 1 });
  expect(await head(ledger, fence.key)).toEqual(before);
});

test('while the gate opens, its brake still on, claims are taken', async () => {
  const taskQueue = await openQueue(ledger);
  await closeFence(ledger, taskQueue, owner, undefined);
  const opening = await openFence(ledger, taskQueue, owner);
  expect(opening?.state).toBe('opening');
  expect((await claim(ledger, { taskQueue })).verdict).toBe('claimed');
  expect(await isDrained(ledger, taskQueue)).toBe(false);
  await releaseGate(ledger, opening!);
  expect((await claim(ledger, { taskQueue })).verdict).toBe('claimed');
});

test('claims of two jobs on one queue do not wait for each other', async () => {
  const taskQueue = await openQueue(ledger);
  const [one, other] = [await begin(ledger), await begin(ledger)];
  const first = await claim(onConnection(ledger, one), { taskQueue });
  const second = await inTime(claim(onConnection(ledger, other), { taskQueue }), 5_000, 'the second claim waited');
  expect([first.verdict, second.verdict]).toEqual(['claimed', 'claimed']);
});

test('a queue without a gate is an error, and no claim', async () => {
  await expect(claim(ledger, { taskQueue: 'nobody-knows-it' })).rejects.toMatchObject({ code: 'LK001' });
});
