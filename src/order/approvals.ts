import type { ApprovalPolicy, WaitsFor } from '../protocol.ts';

/** One line of the record of approvals; never changed afterwards. `at`: milliseconds since 1970. */
export interface ApprovalLine {
  readonly person: string;
  readonly act: 'approve' | 'revoke' | 'expire';
  readonly at: number;
}

export interface Approvable {
  readonly requestedBy: string;
  readonly policy: ApprovalPolicy;
  /** In the order in which they were written. */
  readonly lines: readonly ApprovalLine[];
}

/** How a deploy stands with its approvals at one moment. */
export interface Standing {
  /** Whose approval counts. */
  readonly by: readonly string[];
  /** Whose time is over, and not on the record yet. */
  readonly expired: readonly string[];
  readonly enough: boolean;
  /** When the first of those that count will not. */
  readonly expiresAt?: number;
}

/** A person is one person however the name is typed: fewer count rather than more. */
export const samePerson = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase();

/** Who counts at `now`. Pure. */
export function standing({ requestedBy, policy, lines }: Approvable, now: number): Standing {
  const given = lastOfEach(lines).filter(({ act }) => act === 'approve');
  const isOver = ({ at }: ApprovalLine) => at + policy.expireAfterMs <= now;
  const counting = given.filter(
    (line) => !isOver(line) && !(policy.notRequester && samePerson(line.person, requestedBy)),
  );
  const ends = counting.map(({ at }) => at + policy.expireAfterMs);
  return {
    by: counting.map(({ person }) => person),
    expired: given.filter(isOver).map(({ person }) => person),
    enough: counting.length >= policy.count,
    ...(ends.length > 0 && { expiresAt: Math.min(...ends) }),
  };
}

function lastOfEach(lines: readonly ApprovalLine[]): ApprovalLine[] {
  return lines.filter((line, i) => !lines.slice(i + 1).some((later) => samePerson(later.person, line.person)));
}

/** Why somebody may not approve; undefined: they may. Pure. */
export function refuseApproval({ requestedBy, policy }: Omit<Approvable, 'lines'>, by: string): string | undefined {
  if (policy.count === 0) return 'its plan needs no approval';
  if (policy.notRequester && samePerson(by, requestedBy))
    return `${by} asked for it, and somebody else must approve it`;
  const { allowed } = policy;
  if (allowed && !allowed.some((name) => samePerson(name, by)))
    return `${by} is not among those who may approve it: ${allowed.join(', ')}`;
  return undefined;
}

export const waitsForApproval = (policy: ApprovalPolicy, { by }: Standing): WaitsFor => ({
  kind: 'approval',
  needed: policy.count,
  by,
  notRequester: policy.notRequester,
  ...(policy.allowed && { allowed: policy.allowed }),
});
