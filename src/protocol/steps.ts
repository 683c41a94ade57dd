/** One step of a deploy, and the lease of the one who does it outside. */
import type { Direction, ExternalMode } from './deploys.ts';
import type { PlanStep } from './plan.ts';

export interface DeployStepInput {
  readonly environment: string;
  readonly deploy: string;
  readonly n: number;
  readonly token: number;
  readonly step: PlanStep;
  readonly attempt: number;
  readonly external: ExternalMode;
  readonly parameters: Readonly<Record<string, string>>;
  /** `back`: run the step's rollback command instead. */
  readonly direction: Direction;
}

export type StepOutcome =
  | { readonly kind: 'done'; readonly note?: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'inDoubt'; readonly reason: string };

/** Asks for the lease of an external step. The same nonce gets the same token again; another one is refused. */
export interface TakeLease {
  readonly deploy: string;
  readonly nonce: string;
}

export interface Lease {
  /** Base64; with it, and only with it, the wrapper heartbeats and completes the step. */
  readonly taskToken: string;
  readonly leaseMs: number;
}

export interface StepStatus {
  readonly deploy: string;
  readonly phase: 'waitingForLease' | 'running' | 'ended';
  readonly type: PlanStep['type'];
}
