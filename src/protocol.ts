/**
 * Every name and payload that crosses a workflow boundary. Pure: it is part of the workflow bundle.
 * Running workflows outlive releases: fields are added as optional, never renamed or given another meaning.
 */

// ---------------------------------------------------------------- jobs

/** The workflow type that runs one job. */
export const JOB_WORKFLOW = 'job';
/** The activity type that runs one slice of any job. */
export const SLICE_ACTIVITY = 'slice';

export interface JobWorkflowInput {
  readonly job: string;
  readonly input: unknown;
  readonly heartbeatTimeoutMs?: number;
  /** Set by continue-as-new only. */
  readonly resumed?: JobProgressInput;
}

/** What a job workflow knows of its job; carried through continue-as-new. */
export interface JobProgressInput {
  readonly key: string;
  readonly seq: number;
  readonly failures: number;
  readonly interruptions: number;
}

export interface SliceInput {
  /** Identity of the job in the ledger. */
  readonly key: string;
  readonly job: string;
  readonly input: unknown;
  /** The last checkpoint this workflow was told of; a ledger behind it was restored from a backup. */
  readonly seq: number;
  /** Failures of the job's own code since that checkpoint. */
  readonly failures: number;
  readonly mode: 'run' | 'cancel';
  /** A claim whose own worker said it had stopped, while the ledger could not be reached. */
  readonly stopped?: string;
  /** A person's choice for a job that could not be restored. */
  readonly release?: ReleaseChoice;
}

export type SliceRefusal = 'gateClosed' | 'workerStopping' | 'unknownJob';

export type SliceOutcome =
  | { readonly kind: 'done'; readonly seq: number; readonly result?: unknown; readonly inLedger?: boolean }
  | { readonly kind: 'yielded'; readonly seq: number; readonly reason: string; readonly stopped?: string }
  | { readonly kind: 'refused'; readonly refusal: SliceRefusal }
  | { readonly kind: 'quarantined'; readonly seq: number; readonly reason: string }
  | { readonly kind: 'cancelled'; readonly seq: number };

/** Details of the ApplicationFailure with which an error of the job's own code leaves a slice. */
export interface JobFailureDetails {
  readonly seq: number;
  /** Failures without progress, this one included. */
  readonly failures: number;
  /** Milliseconds until the next attempt; undefined: the retry budget is used up, or another attempt is useless. */
  readonly retryAfterMs?: number;
}

/** The result of a job workflow whose result was too large for a Temporal payload: read it from the ledger. */
export interface ResultInLedger {
  readonly lockkeeperResultInLedger: string;
}

/** How a person releases a job from quarantine. */
export type ReleaseChoice =
  | { readonly action: 'continue' }
  | { readonly action: 'restart' }
  | { readonly action: 'from'; readonly seq: number }
  | { readonly action: 'fail' };

export const RELEASE_UPDATE = 'release';
export const JOB_STATUS_QUERY = 'status';

export type JobPhase = 'running' | 'interrupted' | 'waiting' | 'quarantined' | 'done' | 'failed' | 'cancelled';

export interface JobStatus {
  readonly key: string;
  readonly job: string;
  readonly phase: JobPhase;
  readonly seq: number;
  readonly interruptions: number;
  readonly failures: number;
  readonly reason?: string;
}

// ---------------------------------------------------------------- deploys

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
  readonly external?: ExternalMode;
}

export interface DeployTicket {
  readonly deploy: string;
  readonly approvalOrder: number;
  readonly code: number;
  readonly outcome?: Outcome;
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
export const TAKE_LEASE_UPDATE = 'takeLease';
export const STEP_STATUS_QUERY = 'status';
export const FINISH_SIGNAL = 'finish';

export interface CoordinatorInput {
  readonly environment: string;
}

export interface CoordinatorStatus {
  readonly environment: string;
  readonly running?: string;
  readonly queued: readonly { readonly deploy: string; readonly approvalOrder: number }[];
  readonly refused: readonly { readonly deploy: string; readonly reason: string }[];
}

export interface DeployRunInput {
  readonly environment: string;
  readonly deploy: string;
}

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
  | (StepBase & { readonly type: 'migrate'; readonly directory: string; readonly database: string });

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
  /** Why the deploy waits for a person, and until when (milliseconds since 1970). */
  readonly held?: { readonly reason: string; readonly until: number; readonly step?: number };
}

export interface DeployRunResult {
  readonly deploy: string;
  readonly outcome: Outcome;
  readonly reason?: string;
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
  readonly action: 'abort' | 'retryStep' | 'skipStep';
  readonly reason: string;
  readonly by: string;
}

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

// ---------------------------------------------------------------- activities of the deploy worker

export interface NextDeploy {
  readonly deploy: string;
  readonly approvalOrder: number;
  /** All deadlines of its plan and a margin: when the run's code cannot run any more, the server ends it. */
  readonly runTimeoutMs: number;
  readonly summary: string;
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
  nextDeploys(input: { environment: string }): Promise<NextDeploy[]>;
  awaitRun(input: { workflowId: string; runId?: string }): Promise<RunEnd>;
  /** Stops what a dead deploy run left running, opens its gates, writes its outcome. */
  settleDeploy(input: { environment: string; deploy: string; reason: string }): Promise<void>;

  grantLock(input: { environment: string; deploy: string; runId: string }): Promise<LockGrant>;
  recordCode(input: DeployRef & { code: number; direction: Direction }): Promise<void>;
  recordStep(input: DeployRef & { n: number; state: StepState; runId?: string; note?: string }): Promise<void>;
  closeGate(input: DeployRef & { taskQueue: string }): Promise<QueueState>;
  assertGates(input: DeployRef): Promise<void>;
  readDrain(input: DeployRef): Promise<QueueState[]>;
  abandonSlices(input: DeployRef & { taskQueue: string }): Promise<number>;
  openGate(input: DeployRef & { taskQueue: string }): Promise<void>;
  /** Queues with work of ours that has not been seen moving since the gates opened. */
  stillStanding(input: DeployRef & { since: number }): Promise<string[]>;
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
  runMigrations(input: DeployRef & { n: number; directory: string; database: string }): Promise<StepOutcome>;
}

// ---------------------------------------------------------------- search attributes

/** Search attributes that the product registers, with their Temporal types. */
export const SEARCH_ATTRIBUTES = {
  LockkeeperKind: 'Keyword',
  LockkeeperState: 'Keyword',
  LockkeeperProgress: 'Double',
  LockkeeperDeploy: 'Keyword',
  LockkeeperOwner: 'Keyword',
} as const;
