/** Jobs: their workflow, its slices, and what a person can tell them. */

/** The workflow type that runs one job. */
export const JOB_WORKFLOW = 'job';
/** The activity type that runs one slice of any job. */
export const SLICE_ACTIVITY = 'slice';

export interface JobWorkflowInput {
  readonly job: string;
  readonly input: unknown;
  readonly heartbeatTimeoutMs?: number;
  /** The node of a graph whose job this is: its result stays in the ledger. */
  readonly node?: string;
  /** Nodes whose results its input has places for, with the keys of their jobs in the ledger. */
  readonly results?: Readonly<Record<string, string>>;
  /** Whom the job belongs to. */
  readonly owner?: string;
  /** Set by continue-as-new only. */
  readonly resumed?: JobProgressInput;
}

/** What a job workflow knows of its job; carried through continue-as-new. */
export interface JobProgressInput {
  readonly key: string;
  readonly seq: number;
  readonly failures: number;
  readonly interruptions: number;
  readonly wentBack?: string;
  /** For the next slice, as {@link SliceInput} has them. */
  readonly stopped?: string;
  readonly release?: ReleaseChoice;
}

export interface SliceInput {
  /** Identity of the job in the ledger. */
  readonly key: string;
  readonly job: string;
  readonly input: unknown;
  readonly owner?: string;
  /** The last checkpoint this workflow was told of; a ledger behind it was restored from a backup. */
  readonly seq: number;
  /** Failures of the job's own code since that checkpoint. */
  readonly failures: number;
  readonly mode: 'run' | 'cancel';
  /** A claim whose own worker said it had stopped, while the ledger could not be reached. */
  readonly stopped?: string;
  /** A person's choice for a job that could not be restored. */
  readonly release?: ReleaseChoice;
  /** As {@link JobWorkflowInput} has them. */
  readonly results?: Readonly<Record<string, string>>;
}

export type SliceRefusal = 'gateClosed' | 'workerStopping' | 'unknownJob' | 'cannotRead';

export type SliceOutcome =
  | { readonly kind: 'done'; readonly seq: number; readonly result?: unknown; readonly inLedger?: boolean }
  | {
      readonly kind: 'yielded';
      readonly seq: number;
      readonly reason: string;
      readonly stopped?: string;
      /** The last checkpoint could not be restored, and as its definition says the job goes on from another one. */
      readonly wentBack?: boolean;
    }
  | { readonly kind: 'refused'; readonly refusal: SliceRefusal; readonly reason?: string }
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

export const isResultInLedger = (result: unknown): result is ResultInLedger =>
  typeof result === 'object' &&
  result !== null &&
  'lockkeeperResultInLedger' in result &&
  typeof result.lockkeeperResultInLedger === 'string';

/** How a person releases a job from quarantine. */
export type ReleaseChoice =
  | { readonly action: 'continue' }
  | { readonly action: 'restart' }
  | { readonly action: 'from'; readonly seq: number }
  | { readonly action: 'fail' };

export const RELEASE_UPDATE = 'release';
export const JOB_STATUS_QUERY = 'status';
/** The same for a job inside a workflow of a user's own, by its key in the ledger: there may be several, and names of the user's. */
export const handlersOfJob = (key: string) => ({
  status: `lockkeeper/status/${key}`,
  release: `lockkeeper/release/${key}`,
});

export type JobPhase = 'running' | 'interrupted' | 'waiting' | 'quarantined' | 'done' | 'failed' | 'cancelled';

export interface JobStatus {
  readonly key: string;
  readonly job: string;
  readonly phase: JobPhase;
  readonly seq: number;
  readonly interruptions: number;
  readonly failures: number;
  readonly reason?: string;
  /** Why it last went on from another checkpoint than its last one, without a person's word. */
  readonly wentBack?: string;
}
