import { expect, test } from 'vitest';
import { refuseApproval, standing } from '../../src/order/approvals.ts';
import type { ApprovalLine } from '../../src/order/approvals.ts';
import type { ApprovalPolicy } from '../../src/protocol.ts';

const TWO: ApprovalPolicy = { count: 2, notRequester: true, expireAfterMs: 1_000 };
const said = (act: ApprovalLine['act'], person: string, at: number): ApprovalLine => ({ act, person, at });
const of = (policy: ApprovalPolicy, ...lines: ApprovalLine[]) => ({ requestedBy: 'rita', policy, lines });

test.each([
  ['nobody has said anything', TWO, [], [], false],
  ['one of two', TWO, [said('approve', 'ann', 0)], ['ann'], false],
  ['two of two', TWO, [said('approve', 'ann', 0), said('approve', 'bob', 1)], ['ann', 'bob'], true],
  ['the same one twice counts once', TWO, [said('approve', 'ann', 0), said('approve', 'ann', 1)], ['ann'], false],
  ['however the name is typed', TWO, [said('approve', 'ann', 0), said('approve', ' Ann', 1)], [' Ann'], false],
  ['the requester does not count', TWO, [said('approve', 'Rita', 0), said('approve', 'bob', 1)], ['bob'], false],
  [
    'unless the plan lets her',
    { ...TWO, notRequester: false },
    [said('approve', 'rita', 0), said('approve', 'bob', 1)],
    ['rita', 'bob'],
    true,
  ],
  ['taken back', TWO, [said('approve', 'ann', 0), said('approve', 'bob', 1), said('revoke', 'ann', 2)], ['bob'], false],
  [
    'taken back and given again',
    TWO,
    [said('approve', 'ann', 0), said('revoke', 'ann', 1), said('approve', 'bob', 2), said('approve', 'ann', 3)],
    ['bob', 'ann'],
    true,
  ],
  ['a plan that needs none', { ...TWO, count: 0 }, [], [], true],
] as const)('%s', (_title, policy, lines, by, enough) => {
  expect(standing(of(policy, ...lines), 500)).toMatchObject({ by, enough, expired: [] });
});

test('an approval counts until the very moment at which its time is over, and is told to expire then', () => {
  const deploy = of(TWO, said('approve', 'ann', 0), said('approve', 'bob', 200));
  expect(standing(deploy, 999)).toEqual({ by: ['ann', 'bob'], expired: [], enough: true, expiresAt: 1_000 });
  expect(standing(deploy, 1_000)).toEqual({ by: ['bob'], expired: ['ann'], enough: false, expiresAt: 1_200 });
  const onRecord = of(TWO, ...deploy.lines, said('expire', 'ann', 1_000));
  expect(standing(onRecord, 1_000)).toEqual({ by: ['bob'], expired: [], enough: false, expiresAt: 1_200 });
});

test.each([
  ['nobody is asked', { ...TWO, count: 0 }, 'ann', 'its plan needs no approval'],
  ['the requester', TWO, 'rita', 'rita asked for it, and somebody else must approve it'],
  ['a stranger', { ...TWO, allowed: ['ann', 'bob'] }, 'eve', 'eve is not among those who may approve it: ann, bob'],
  ['one of those who may', { ...TWO, allowed: ['ann', 'bob'] }, 'Ann', undefined],
  ['anybody', TWO, 'eve', undefined],
] as const)('who may approve: %s', (_title, policy, by, refused) => {
  expect(refuseApproval({ requestedBy: 'rita', policy }, by)).toBe(refused);
});
