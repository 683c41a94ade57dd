/** What the workflows of a deploy ask of the deploy worker. */
import type {
  DeployRequest,
  Direction,
  ExternalMode,
  Operation,
  Outcome,
  StepRecord,
  StepState,
  Withdrawal,
} from './deploys.ts';
import type { DeployAct, DeployTicket, Freeze, FreezeAct, FreezeAnswer, QueuedDeploy } from './order.ts';
import type { CommandSpec, ResolvedPlan } from './plan.ts';
import type { StepOutcome } from './steps.ts';

/** A deploy whose turn it is. */
export interface NextDeploy {
  readonly deploy: string;
  readonly approvalOrder?: number;
  /** All deadlines of its plan and a margin: when the run's code cannot run any more, the server ends it. */
  readonly runTimeoutMs: number;
  readonly summary: string;
}

/** The order as the ledger has it. */
export interface DeployOrder {
  /** Nothing holds it back any more; or it has the lock already. */
  readonly next?: NextDeploy;
  readonly queued: readonly QueuedDeploy[];
  readonly freeze?: Freeze;
  /** Milliseconds until something becomes due by itself. */
  readonly lookAgainMs?: number;
}

/** What a deploy run needs to begin or, after a kick, to go on. */
export interface LockGrant {
  readonly token: number;
  readonly plan: ResolvedPlan;
  readonly parameters: Readonly<Record<string, string>>;
  readonly external: ExternalMode;
  readonly code: number;
  readonly direction: Direction;
  readonly steps: readonly StepRecord[];
}

/** Names a deploy and proves the right to write about it: a run with a lower token is refused. */
export interface DeployRef {
  readonly environment: string;
  readonly deploy: string;
  readonly token: number;
}

export interface QueueState {
  readonly taskQueue: string;
  readonly generation: number;
  readonly drained: boolean;
  readonly running: number;
  /** How many of these are atomic, and may still end by themselves; absent in what was recorded before they were waited for. */
  readonly atomic?: number;
}

export type RunEnd =
  | { readonly closed: false }
  | {
      readonly closed: true;
      readonly deploy?: string;
      readonly status: string;
      readonly result?: unknown;
      readonly reason?: string;
    };

export interface DeployActivities {
  acceptRequest(input: { environment: string; request: DeployRequest }): Promise<DeployTicket>;
  withdrawDeploy(input: { environment: string; withdrawal: Withdrawal }): Promise<void>;
  actOnDeploy(input: { environment: string; act: DeployAct }): Promise<DeployTicket>;
  actOnFreeze(input: { environment: string; act: FreezeAct }): Promise<FreezeAnswer>;
  /** Whose turn it is: from then on nothing takes it away, whatever is revoked, frozen or expires. */
  nextDeploys(input: { environment: string }): Promise<DeployOrder>;
  awaitRun(input: { workflowId: string; runId?: string }): Promise<RunEnd>;
  /** Stops what a dead deploy run left running, opens its gates, writes its outcome. */
  settleDeploy(input: { environment: string; deploy: string; reason: string }): Promise<void>;

  grantLock(input: { environment: string; deploy: string; runId: string }): Promise<LockGrant>;
  /** `act` counts what a run writes: what comes late, or again, changes nothing. */
  recordCode(input: DeployRef & { act?: number; code: number; direction: Direction }): Promise<void>;
  /** What an operator told a run, for the record. */
  recordOperation(input: { environment: string; operation: Operation }): Promise<void>;
  recordStep(
    input: DeployRef & { act?: number; n: number; state: StepState; runId?: string; note?: string },
  ): Promise<void>;
  closeGate(input: DeployRef & { act?: number; taskQueue: string }): Promise<QueueState>;
  assertGates(input: DeployRef): Promise<void>;
  readDrain(input: DeployRef): Promise<QueueState[]>;
  abandonSlices(input: DeployRef & { taskQueue: string }): Promise<number>;
  openGate(input: DeployRef & { act?: number; taskQueue: string }): Promise<void>;
  /** Queues with work of ours that has not been seen moving since the gates opened. */
  stillStanding(input: DeployRef): Promise<string[]>;
  finishDeploy(input: DeployRef & { outcome: Outcome; reason?: string }): Promise<void>;

  holdLease(input: DeployRef & { n: number; attempt: number; nonce: string }): Promise<StepOutcome>;
  readLease(input: DeployRef & { n: number; attempt: number; nonce: string }): Promise<string>;
  runCommand(
    input: DeployRef & {
      n: number;
      name: string;
      command: CommandSpec;
      idempotent: boolean;
      parameters: Readonly<Record<string, string>>;
    },
  ): Promise<StepOutcome>;
  /** Ends what may be left of a step's command, and returns when it is proven gone. */
  endStep(input: DeployRef & { n: number }): Promise<void>;
  runMigrations(input: DeployRef & { n: number; directory: string; database: string }): Promise<StepOutcome>;
}
