import { byOrder } from '../protocol.ts';
import type { Freeze, QueuedDeploy } from '../protocol.ts';
import { standing, waitsForApproval } from './approvals.ts';
import type { Approvable } from './approvals.ts';

/** A deploy without an outcome, as the ledger has it. Times are milliseconds since 1970. */
export interface OpenDeploy extends Approvable {
  readonly id: string;
  readonly requestedAt: number;
  readonly approvalOrder?: number | undefined;
  readonly expeditedOrder?: number | undefined;
  readonly throughFreeze: boolean;
  readonly scheduledFor?: number | undefined;
  /** When its turn came: it has the lock, or is about to get it. */
  readonly turnAt?: number | undefined;
}

export interface Decision {
  /** Whose turn it is, or has been. */
  readonly turn?: string;
  /** The others, in their order; then those that take no part in it yet. */
  readonly queued: readonly QueuedDeploy[];
  /** When something becomes due by itself. */
  readonly lookAgainAt?: number;
}

/**
 * Whose turn it is at `now`: one at a time; among those that are approved and due, expedited ones first, then in the order of
 * their approval; none while frozen, except those that go through the freeze. Pure.
 */
export function decide(deploys: readonly OpenDeploy[], freeze: Freeze | undefined, now: number): Decision {
  const [holder] = deploys.filter((d) => d.turnAt !== undefined).sort((a, b) => a.turnAt! - b.turnAt!);
  const queued = [...deploys]
    .sort((a, b) => a.requestedAt - b.requestedAt)
    .filter((deploy) => deploy.turnAt === undefined)
    .map((deploy) => queuedDeploy(deploy, now))
    .sort(byOrder);
  const turn = holder?.id ?? queued.find((q) => q.waitsFor === undefined && (!freeze || q.throughFreeze))?.deploy;
  const times = [...deploys.flatMap((deploy) => changesOf(deploy, now)), freeze?.until ?? now].filter((at) => at > now);
  return {
    ...(turn !== undefined && { turn }),
    queued: queued.filter(({ deploy }) => deploy !== turn),
    ...(times.length > 0 && { lookAgainAt: Math.min(...times) }),
  };
}

/** How a deploy that waits is shown, and sorted. Pure. */
export function queuedDeploy(deploy: OpenDeploy, now: number): QueuedDeploy {
  const { id, approvalOrder, expeditedOrder, throughFreeze, scheduledFor } = deploy;
  const early = scheduledFor !== undefined && scheduledFor > now;
  const stands = standing(deploy, now);
  return {
    deploy: id,
    ...(approvalOrder !== undefined && { approvalOrder }),
    ...(expeditedOrder !== undefined && { expeditedOrder }),
    ...(throughFreeze && { throughFreeze }),
    ...(!stands.enough || approvalOrder === undefined
      ? { waitsFor: waitsForApproval(deploy.policy, stands) }
      : early && { waitsFor: { kind: 'schedule', at: scheduledFor } as const }),
  };
}

/** When a deploy that waits may change by itself. */
function changesOf(deploy: OpenDeploy, now: number): number[] {
  if (deploy.turnAt !== undefined) return [];
  return [deploy.scheduledFor, standing(deploy, now).expiresAt].filter((at) => at !== undefined);
}
