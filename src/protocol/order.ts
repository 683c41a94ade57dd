/** The order of deploys: what they wait for, and what people say about it. */
import type { Outcome } from './deploys.ts';

/** Who must have approved a deploy before it has a place in the order. */
export interface ApprovalPolicy {
  /** How many people; 0: it is approved when it is asked for. */
  readonly count: number;
  /** Whoever asked for it does not count. */
  readonly notRequester: boolean;
  /** Milliseconds after which an approval no longer counts. */
  readonly expireAfterMs: number;
  /** The only ones who may approve; left out: anybody. */
  readonly allowed?: readonly string[];
}

/** What a deploy waits for before it takes part in the order. Those ahead of it and a freeze are something else. */
export type WaitsFor =
  | {
      readonly kind: 'approval';
      readonly needed: number;
      /** Whose approval counts now. */
      readonly by: readonly string[];
      readonly notRequester: boolean;
      readonly allowed?: readonly string[];
    }
  /** Milliseconds since 1970. */
  | { readonly kind: 'schedule'; readonly at: number };

/** A deploy that has not got the lock. */
export interface QueuedDeploy {
  readonly deploy: string;
  /** Its place in the order; absent while it is not approved. */
  readonly approvalOrder?: number;
  /** Before all that are not expedited, in this order among those that are. */
  readonly expeditedOrder?: number;
  /** A freeze does not hold it. */
  readonly throughFreeze?: boolean;
  readonly waitsFor?: WaitsFor;
}

/** No deploy is given the lock. Times are milliseconds since 1970. */
export interface Freeze {
  readonly reason: string;
  /** Absent: a window of lockkeeper.yaml. */
  readonly by?: string;
  readonly since: number;
  /** Absent: until somebody ends it. */
  readonly until?: number;
}

export interface DeployTicket extends QueuedDeploy {
  readonly code: number;
  readonly outcome?: Outcome;
  /** Why it ended so. */
  readonly reason?: string;
}

/** A person's word about a deploy that waits. */
export type DeployAct =
  | { readonly act: 'approve'; readonly deploy: string; readonly by: string; readonly reason?: string }
  /** Takes back one's approval. */
  | { readonly act: 'revoke'; readonly deploy: string; readonly by: string; readonly reason: string }
  | {
      readonly act: 'expedite';
      readonly deploy: string;
      readonly by: string;
      readonly reason: string;
      readonly throughFreeze?: boolean;
    };

/** A person's word about all deploys of an environment. `until`: an ISO time with its zone. */
export type FreezeAct =
  | { readonly act: 'freeze'; readonly by: string; readonly reason: string; readonly until?: string }
  | { readonly act: 'unfreeze'; readonly by: string; readonly reason: string };

/** What freezes deploys now, if anything does. */
export interface FreezeAnswer {
  readonly freeze?: Freeze;
  /** False: it was so already. */
  readonly changed: boolean;
}

/** Names of updates and of plain signals of the coordinator alike; the payload needs no `act` of its own. */
export const DEPLOY_ACTS = ['approve', 'revoke', 'expedite'] as const;
export const FREEZE_ACTS = ['freeze', 'unfreeze'] as const;

/** In which of two deploys comes first; as a comparison of `sort`. Those that take no part in the order come last. */
export function byOrder(a: QueuedDeploy, b: QueuedDeploy): number {
  const part = (q: QueuedDeploy) => (q.waitsFor === undefined ? 0 : q.waitsFor.kind === 'schedule' ? 1 : 2);
  const at = (q: QueuedDeploy) => (q.waitsFor?.kind === 'schedule' ? q.waitsFor.at : 0);
  const last = Number.MAX_SAFE_INTEGER;
  return (
    part(a) - part(b) ||
    at(a) - at(b) ||
    (a.expeditedOrder ?? last) - (b.expeditedOrder ?? last) ||
    (a.approvalOrder ?? 0) - (b.approvalOrder ?? 0)
  );
}
