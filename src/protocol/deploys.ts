/** Deploys: names and ids, requests, codes, and what coordinator and run are told and tell. */
import type { Freeze, QueuedDeploy } from './order.ts';
import type { PlanStep } from './plan.ts';

export const COORDINATOR_WORKFLOW = 'deployCoordinator';
export const DEPLOY_RUN_WORKFLOW = 'deployRun';
export const DEPLOY_STEP_WORKFLOW = 'deployStep';

export const coordinatorId = (environment: string) => `deploy-coordinator/${environment}`;
/** That this id is unique is the deploy lock. */
export const deployRunId = (environment: string) => `deploy-run/${environment}`;
export const deployStepId = (environment: string, deploy: string, n: number, name: string) =>
  `deploy-step/${environment}/${deploy}/${n}-${name}`;
/** The queue of coordinator, deploy runs and steps; no deploy pauses it. */
export const coordinatorTaskQueue = (environment: string) => `lockkeeper-${environment}`;

/** What an environment's, deploy's or step's name may be: it becomes part of workflow ids and of the brake's reason. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Codes of a deploy; a high-water mark, written before each act. 600 + n: step n done. */
export const CODE = {
  requested: 100,
  approved: 200,
  lockGranted: 300,
  gatesClosed: 400,
  drained: 500,
  stepsBase: 600,
  stepsDone: 700,
  moving: 800,
  finished: 900,
} as const;

/** `610` is `step 10 done`. */
export function nameOfCode(code: number): string {
  if (code > CODE.stepsBase && code < CODE.stepsDone) return `step ${code - CODE.stepsBase} done`;
  const name = Object.entries(CODE).find(([, number]) => number === code)?.[0] ?? 'unknown';
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

export type Outcome = 'succeeded' | 'failed' | 'rolledBack' | 'aborted';
export type Direction = 'forward' | 'back';
export type StepState =
  'pending' | 'started' | 'done' | 'inDoubt' | 'compensating' | 'compensated' | 'skipped' | 'failed';

/** How the outside world takes part in an `external` step. */
export type ExternalMode =
  /** A wrapper is alive and heartbeats: the heartbeat timeout is the lease. */
  | { readonly mode: 'lease' }
  /** Nobody heartbeats; the step must be finished before the deadline, by whoever knows the nonce. */
  | { readonly mode: 'deadline'; readonly nonce: string; readonly deadlineMs: number };

export interface DeployRequest {
  readonly id: string;
  readonly plan: string;
  /** The version that is deployed, for people to read. */
  readonly version?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly requestedBy: string;
  /** An ISO time with its zone: before it, the deploy takes no part in the order. */
  readonly scheduledFor?: string;
  readonly external?: ExternalMode;
}

export interface DeployFinish {
  readonly deploy: string;
  readonly nonce: string;
  readonly ok: boolean;
  readonly note?: string;
}

export interface QueueDrained {
  readonly taskQueue: string;
  readonly deploy: string;
  readonly generation: number;
}

export interface ParticipantDrained {
  readonly participant: string;
  readonly deploy: string;
}

// Signals and updates of the coordinator.
export const DEPLOY_START_SIGNAL = 'deployStart';
export const DEPLOY_FINISH_SIGNAL = 'deployFinish';
export const QUEUE_DRAINED_SIGNAL = 'queueDrained';
export const PARTICIPANT_DRAINED_SIGNAL = 'participantDrained';
export const REFRESH_SIGNAL = 'refresh';
export const REQUEST_DEPLOY_UPDATE = 'requestDeploy';
export const WITHDRAW_DEPLOY_UPDATE = 'withdrawDeploy';
export const COORDINATOR_STATUS_QUERY = 'status';

// Updates and queries of a deploy run and its steps.
export const DEPLOY_STATUS_QUERY = 'status';
export const OPERATE_UPDATE = 'operate';
export const CLAIM_TURN_UPDATE = 'claimTurn';
export const TAKE_LEASE_UPDATE = 'takeLease';
export const STEP_STATUS_QUERY = 'status';
export const FINISH_SIGNAL = 'finish';
export const SKIP_SIGNAL = 'skip';

export interface CoordinatorInput {
  readonly environment: string;
  /** These are set by continue-as-new only: what `status` shows until the ledger has been asked again. */
  readonly refused?: CoordinatorStatus['refused'];
  readonly queued?: CoordinatorStatus['queued'];
  readonly freeze?: Freeze;
}

export interface CoordinatorStatus {
  readonly environment: string;
  readonly running?: string;
  /** Those that wait: in their order, then those that take no part in it yet. */
  readonly queued: readonly QueuedDeploy[];
  readonly freeze?: Freeze;
  readonly refused: readonly { readonly deploy: string; readonly reason: string }[];
}

export interface DeployRunInput {
  readonly environment: string;
  readonly deploy: string;
}

export interface StepRecord {
  readonly n: number;
  readonly name: string;
  readonly type: PlanStep['type'];
  readonly state: StepState;
  readonly note?: string;
}

export interface DeployStatus {
  readonly deploy: string;
  readonly environment: string;
  readonly code: number;
  readonly direction: Direction;
  readonly phase: string;
  readonly outcome?: Outcome;
  readonly reason?: string;
  readonly token: number;
  readonly draining: readonly string[];
  readonly steps: readonly StepRecord[];
  /** Why the deploy waits for a person, and until when (milliseconds since 1970). Without a step: before its next one. */
  readonly held?: { readonly reason: string; readonly until: number; readonly step?: number };
  /** An operator wants it held before its next step. */
  readonly toBeHeld?: { readonly by: string; readonly reason: string };
  /** No gate is closed yet: it waits for a sign of life of the one who is to do its external step. Milliseconds since 1970. */
  readonly unclaimed?: { readonly until: number };
}

export interface DeployRunResult {
  readonly deploy: string;
  readonly outcome: Outcome;
  readonly reason?: string;
}

/** The sign of life of a wrapper that waits for its turn. */
export interface ClaimTurn {
  readonly deploy: string;
  readonly nonce: string;
}

/** Takes back a deploy that has not begun. */
export interface Withdrawal {
  readonly deploy: string;
  readonly reason: string;
  readonly by: string;
}

/** What an operator tells a deploy run; refused unless `deploy` is the one that runs. */
export interface Operation {
  readonly deploy: string;
  /**
   * `skipStep`: goes on without the step that waits for a person, or ends a `wait` step before its time. `hold`: stops before the
   * next step, until `resume`.
   */
  readonly action: 'abort' | 'retryStep' | 'skipStep' | 'hold' | 'resume';
  /** Of `hold`, an ISO time with its zone; left out: as long as the plan lets it be held. */
  readonly until?: string;
  readonly reason: string;
  readonly by: string;
}
