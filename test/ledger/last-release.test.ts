import { expect, test } from 'vitest';
import { endClaim } from '../../src/ledger/claims.ts';
import { closeFence, isDrained } from '../../src/ledger/gates.ts';
import { begin, claim, claimState, onConnection, openQueue, untilBlocked } from '../support/claiming.ts';
import { inTime } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();
const owner = { deploy: 'v1', token: 1 };

async function closedWith(slices: number): Promise<{ taskQueue: string; claims: string[]; generation: number }> {
  const taskQueue = await openQueue(ledger);
  const claims: string[] = [];
  for (let n = 0; n < slices; n += 1) claims.push((await claim(ledger, { taskQueue })).claim);
  const generation = await closeFence(ledger, taskQueue, owner, undefined);
  return { taskQueue, claims, generation };
}

test('two last slices end at once, 50 times: exactly one learns that the queue is drained', async () => {
  const told: number[] = [];
  for (let round = 0; round < 50; round += 1) {
    const { claims } = await closedWith(2);
    const ends = await Promise.all(claims.map((id) => endClaim(ledger, id, 'released', 'stepped aside')));
    expect(ends.every((end) => end.ended)).toBe(true);
    told.push(ends.filter((end) => end.drained).length);
  }
  expect(told).toEqual(Array.from({ length: 50 }, () => 1));
});

test('the first of two last ones is not committed yet: the second waits, and is the one that learns it', async () => {
  const { claims, taskQueue, generation } = await closedWith(2);
  const session = await begin(ledger);
  const first = await endClaim(onConnection(ledger, session), claims[0]!, 'released', 'stepped aside');
  const ending = endClaim(ledger, claims[1]!, 'released', 'stepped aside');
  await untilBlocked(ledger, 1);
  await session.query('commit');
  const second = await inTime(ending, 5_000, 'the second did not end');
  expect([first.drained, second.drained]).toEqual([
    undefined,
    { environment: 'production', deploy: 'v1', generation, taskQueue },
  ]);
});

test('the first of two last ones is rolled back: the second is not the last', async () => {
  const { claims, taskQueue } = await closedWith(2);
  const session = await begin(ledger);
  await endClaim(onConnection(ledger, session), claims[0]!, 'released', 'stepped aside');
  const ending = endClaim(ledger, claims[1]!, 'released', 'stepped aside');
  await untilBlocked(ledger, 1);
  await session.query('rollback');
  expect(await inTime(ending, 5_000, 'the second did not end')).toEqual({ ended: true });
  expect(await isDrained(ledger, taskQueue)).toBe(false);
  expect((await endClaim(ledger, claims[0]!, 'released', 'stepped aside')).drained).toBeDefined();
});

test.each(['released', 'fenced', 'lost'] as const)('a last claim that becomes %s drains the queue', async (state) => {
  const { claims, taskQueue } = await closedWith(1);
  expect((await endClaim(ledger, claims[0]!, state, 'it ended')).drained).toMatchObject({ taskQueue });
});

test('with the gate open nobody learns of a drain', async () => {
  const taskQueue = await openQueue(ledger);
  const { claim: id } = await claim(ledger, { taskQueue });
  expect(await endClaim(ledger, id, 'released', 'done')).toEqual({ ended: true });
});

test('ending a claim again does nothing, and tells of no second drain', async () => {
  const { claims } = await closedWith(1);
  const id = claims[0]!;
  expect((await endClaim(ledger, id, 'released', 'stepped aside')).drained).toBeDefined();
  for (const state of ['released', 'fenced', 'lost'] as const) {
    expect(await endClaim(ledger, id, state, 'again')).toEqual({ ended: false });
    expect(await claimState(ledger, id)).toBe('released');
  }
});

test('a fenced claim that its worker confirms becomes released, and the drain is not told twice', async () => {
  const { claims } = await closedWith(1);
  const id = claims[0]!;
  expect((await endClaim(ledger, id, 'fenced', 'given up')).drained).toBeDefined();
  expect(await endClaim(ledger, id, 'fenced', 'given up again')).toEqual({ ended: false });
  expect(await endClaim(ledger, id, 'released', 'stopped')).toEqual({ ended: true });
  expect(await claimState(ledger, id)).toBe('released');
});

test('a claim that nobody knows: nothing ended', async () => {
  expect(await endClaim(ledger, '00000000-0000-4000-8000-000000000000', 'released', 'who?')).toEqual({ ended: false });
});

test('no claim goes back to running', async () => {
  const { claims } = await closedWith(1);
  await endClaim(ledger, claims[0]!, 'released', 'stepped aside');
  await expect(endClaim(ledger, claims[0]!, 'running' as never, 'back')).rejects.toThrow(
    /must be released, fenced or lost, not running/,
  );
  expect(await claimState(ledger, claims[0]!)).toBe('released');
});
