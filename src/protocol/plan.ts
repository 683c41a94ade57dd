/** A plan as a deploy runs it. */
import type { ApprovalPolicy } from './order.ts';

export type OnTimeout = 'abandon' | 'wait' | 'abort';

/** One queue of an environment as the resolved plan holds it. */
export interface PlanQueue {
  readonly taskQueue: string;
  /** Queues that feed this one: closed before it, opened after it. */
  readonly after: readonly string[];
}

export interface DrainPolicy {
  /** Milliseconds for the whole drain, all queues together. */
  readonly deadlineMs: number;
  readonly onTimeout: OnTimeout;
  /** With `wait`: milliseconds after the deadline until the deploy is aborted after all. */
  readonly waitMs: number;
}

export interface CommandSpec {
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface StepBase {
  readonly name: string;
  /** Milliseconds the step may take. */
  readonly timeoutMs: number;
  /** Undoes the step, also when it only began. */
  readonly rollback?: CommandSpec;
}
export type PlanStep =
  | (StepBase & { readonly type: 'external'; readonly leaseMs: number; readonly claimWithinMs: number })
  | (StepBase & { readonly type: 'command'; readonly command: CommandSpec; readonly idempotent: boolean })
  /** A pause of `timeoutMs`, which a person may end before. */
  | (StepBase & { readonly type: 'wait' })
  | (StepBase & { readonly type: 'migrate'; readonly directory: string; readonly database: string });

/** The plan that holds gates closed, without any work between: `lockkeeper gates close`. It exists without being written. */
export const GATES_PLAN = 'gates';

/** A plan with all its defaults and argv, as it is kept in the ledger for good. */
export interface ResolvedPlan {
  readonly name: string;
  readonly queues: readonly PlanQueue[];
  readonly participants: readonly string[];
  readonly drain: DrainPolicy;
  readonly steps: readonly PlanStep[];
  readonly onFailure: 'rollback' | 'hold';
  /** Milliseconds a deploy is held for a person before it is rolled back. */
  readonly holdMs: number;
  /** Left out: it is approved when it is asked for. */
  readonly approvals?: ApprovalPolicy;
}
