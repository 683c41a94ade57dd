import { expect, test } from 'vitest';
import { decide } from '../../src/order/decide.ts';
import type { OpenDeploy } from '../../src/order/decide.ts';
import type { Freeze } from '../../src/protocol.ts';

const NOW = 10_000;
let asked = 0;
const deploy = (id: string, more: Partial<OpenDeploy> = {}): OpenDeploy => ({
  id,
  requestedBy: 'rita',
  requestedAt: (asked += 1),
  policy: { count: 0, notRequester: true, expireAfterMs: 1_000 },
  lines: [],
  throughFreeze: false,
  ...more,
});
const approved = (id: string, approvalOrder: number, more: Partial<OpenDeploy> = {}) =>
  deploy(id, { approvalOrder, ...more });
const unapproved = (id: string, more: Partial<OpenDeploy> = {}) =>
  deploy(id, { policy: { count: 1, notRequester: true, expireAfterMs: 1_000 }, ...more });
const FROZEN: Freeze = { reason: 'month’s end', by: 'ann', since: 0 };

test.each([
  ['nothing is asked for', [], undefined, undefined, []],
  ['the lowest number first', [approved('b', 2), approved('a', 1), approved('c', 3)], undefined, 'a', ['b', 'c']],
  [
    'whoever has had the turn keeps it, also when others would come before',
    [approved('a', 1), approved('b', 2, { turnAt: 5 }), approved('c', 3, { expeditedOrder: 9 })],
    undefined,
    'b',
    ['c', 'a'],
  ],
  ['an unapproved one holds up nobody', [unapproved('a'), approved('b', 2)], undefined, 'b', ['a']],
  [
    'one that is scheduled is skipped before its time',
    [approved('a', 1, { scheduledFor: NOW + 1 }), approved('b', 2)],
    undefined,
    'b',
    ['a'],
  ],
  [
    'and has its place by its number from then on',
    [approved('b', 2), approved('a', 1, { scheduledFor: NOW })],
    undefined,
    'a',
    ['b'],
  ],
  [
    'expedited ones first, in the order of their expediting',
    [approved('a', 1), approved('b', 2, { expeditedOrder: 8 }), approved('c', 3, { expeditedOrder: 7 })],
    undefined,
    'c',
    ['b', 'a'],
  ],
  ['nobody while frozen', [approved('a', 1), approved('b', 2)], FROZEN, undefined, ['a', 'b']],
  [
    'but whoever goes through the freeze',
    [approved('a', 1), approved('b', 2, { expeditedOrder: 5, throughFreeze: true })],
    FROZEN,
    'b',
    ['a'],
  ],
  ['and whoever has the lock already', [approved('a', 1, { turnAt: 5 }), approved('b', 2)], FROZEN, 'a', ['b']],
  [
    'one through the freeze still waits for its time',
    [approved('a', 1, { throughFreeze: true, expeditedOrder: 3, scheduledFor: NOW + 5 })],
    FROZEN,
    undefined,
    ['a'],
  ],
  [
    'in line, then scheduled by their time, then unapproved by their asking',
    [
      unapproved('z'),
      approved('late', 1, { scheduledFor: NOW + 9 }),
      unapproved('y'),
      approved('soon', 4, { scheduledFor: NOW + 3 }),
      approved('b', 3),
      approved('a', 2, { turnAt: 1 }),
    ],
    undefined,
    'a',
    ['b', 'soon', 'late', 'z', 'y'],
  ],
] as const)('%s', (_title, deploys, freeze, turn, queued) => {
  const decision = decide([...deploys], freeze, NOW);
  expect(decision.turn).toBe(turn);
  expect(decision.queued.map((q) => q.deploy)).toEqual(queued);
});

test('each says why it takes no part in the order', () => {
  const { queued } = decide(
    [
      unapproved('a', {
        lines: [{ person: 'ann', act: 'approve', at: NOW }],
        policy: { ...two(), allowed: ['ann', 'bob'] },
      }),
      approved('b', 1, { scheduledFor: NOW + 1 }),
      approved('c', 2, { turnAt: 1 }),
      approved('d', 3),
    ],
    undefined,
    NOW,
  );
  expect(queued).toEqual([
    { deploy: 'd', approvalOrder: 3 },
    { deploy: 'b', approvalOrder: 1, waitsFor: { kind: 'schedule', at: NOW + 1 } },
    {
      deploy: 'a',
      waitsFor: { kind: 'approval', needed: 2, by: ['ann'], notRequester: true, allowed: ['ann', 'bob'] },
    },
  ]);
});

test('it is looked at again when the first thing becomes due by itself', () => {
  const lookAgain = (deploys: OpenDeploy[], freeze?: Freeze) => decide(deploys, freeze, NOW).lookAgainAt;
  expect(lookAgain([])).toBeUndefined();
  expect(lookAgain([approved('a', 1)])).toBeUndefined();
  expect(lookAgain([approved('a', 1, { scheduledFor: NOW + 70 }), approved('b', 2, { scheduledFor: NOW + 50 })])).toBe(
    NOW + 50,
  );
  expect(lookAgain([approved('a', 1)], { ...FROZEN, until: NOW + 30 })).toBe(NOW + 30);
  const half = unapproved('a', { policy: two(), lines: [{ person: 'ann', act: 'approve', at: NOW - 600 }] });
  expect(lookAgain([half])).toBe(NOW + 400);
  // Once it has its turn, nothing of it expires any more.
  expect(lookAgain([{ ...half, turnAt: 1 }])).toBeUndefined();
});

function two(): OpenDeploy['policy'] {
  return { count: 2, notRequester: true, expireAfterMs: 1_000 };
}
