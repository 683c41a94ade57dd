import { describe, expect, test } from 'vitest';
import { isAnotherReason, waitingReason } from '../../src/order/waiting-reason.ts';
import type { WaitingReason } from '../../src/order/waiting-reason.ts';
import type { Freeze } from '../../src/protocol.ts';

const APPROVAL = { kind: 'approval', needed: 2, by: ['ann'], notRequester: true } as const;
const FREEZE: Freeze = { reason: 'sale', by: 'ann', since: 5 };
const queued = [
  { deploy: 'a', approvalOrder: 1 },
  { deploy: 'b', approvalOrder: 2, throughFreeze: true },
  { deploy: 'c', waitsFor: APPROVAL },
];

describe('a deploy waits', () => {
  test.each<[string, string, Freeze | undefined, WaitingReason | undefined]>([
    ['for those before it and the one that runs', 'b', undefined, { kind: 'order', ahead: ['running', 'a'] }],
    ['for the end of a freeze', 'a', FREEZE, { kind: 'freeze', ...FREEZE }],
    ['for its turn only, when it goes through the freeze', 'b', FREEZE, { kind: 'order', ahead: ['running', 'a'] }],
    ['for approval before all else', 'c', FREEZE, APPROVAL],
    ['for nothing when it has its turn', 'running', undefined, undefined],
  ])('%s', (_, deploy, freeze, reason) => {
    expect(waitingReason({ turn: 'running', queued }, freeze, deploy)).toEqual(reason);
  });
});

test('it is news for what kind of thing a deploy waits, another freeze and another time; not whose turn is before', () => {
  expect(isAnotherReason(undefined, APPROVAL)).toBe(true);
  expect(isAnotherReason(APPROVAL, { ...APPROVAL, by: [] })).toBe(false);
  expect(isAnotherReason({ kind: 'order', ahead: ['a'] }, { kind: 'order', ahead: ['b', 'a'] })).toBe(false);
  expect(isAnotherReason(APPROVAL, { kind: 'order', ahead: ['a'] })).toBe(true);
  expect(isAnotherReason({ kind: 'freeze', ...FREEZE }, { kind: 'freeze', ...FREEZE, until: 9 })).toBe(false);
  expect(isAnotherReason({ kind: 'freeze', ...FREEZE }, { kind: 'freeze', ...FREEZE, since: 6 })).toBe(true);
  expect(isAnotherReason({ kind: 'schedule', at: 1 }, { kind: 'schedule', at: 2 })).toBe(true);
});
