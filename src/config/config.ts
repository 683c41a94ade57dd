import type { FreezeWindow } from '../order/freeze-windows.ts';
import type { ReceiverConfig } from '../notices/receiver-config.ts';
import type { DrainPolicy, PlanQueue, PlanStep, ResolvedPlan } from '../protocol.ts';

/** The database that migrations can name without it being declared: the ledger's own. */
export const LEDGER_DATABASE = { name: 'ledger', env: 'DATABASE_URL' } as const;
/** The plan that exists without being written: CI does the work, in one external step. */
export const DEFAULT_PLAN = 'default';

/** What `lockkeeper.yaml` says, with its defaults, absolute paths, and durations in milliseconds. */
export interface Config {
  /** Absolute path of the config. */
  readonly file: string;
  /** Its directory: what the paths in it are relative to. */
  readonly directory: string;
  readonly environment: string;
  /** Absolute paths of the modules that export jobs. */
  readonly jobs: readonly string[];
  /** Absolute path of the module of the user's own workflows. */
  readonly workflows?: string;
  readonly worker: WorkerOptions;
  readonly encryption: EncryptionOptions;
  readonly drain: DrainPolicy;
  /** The queues that deploys pause, in the order of the file. Left out, they are those of the jobs: see `withQueues`. */
  readonly queues?: readonly PlanQueue[];
  readonly participants: readonly string[];
  readonly freezeWindows: readonly FreezeWindow[];
  /** By name; `ledger` is always there. */
  readonly databases: ReadonlyMap<string, Database>;
  /** Who is told what becomes of jobs. */
  readonly notices: readonly ReceiverConfig[];
  readonly codecServer: CodecServerConfig;
  /** By name; `default` is always there. */
  readonly plans: ReadonlyMap<string, PlanConfig>;
}

/** A config that knows its queues. */
export type ConfigWithQueues = Config & { readonly queues: readonly PlanQueue[] };

export interface WorkerOptions {
  readonly buildId?: string;
  readonly maxConcurrentSlices?: number;
  /** From SIGTERM until a slice that does not yield is cancelled; less than `shutdownForceMs`. */
  readonly shutdownGraceMs: number;
  /** From SIGTERM until the worker gives up on slices that ignore cancellation. */
  readonly shutdownForceMs: number;
}

/** What is said of keys here; the environment may say more. */
export interface EncryptionOptions {
  /** Absolute. */
  readonly keyFile?: string;
  readonly acceptPlaintext?: boolean;
  readonly mode?: 'keyring' | 'plaintext';
}

export interface Database {
  /** The environment variable that holds its URL. */
  readonly env: string;
}

export interface CodecServerConfig {
  readonly address: string;
  readonly port: number;
  readonly origins: readonly string[];
  /** Left out: the one of the Temporal configuration. */
  readonly namespaces?: readonly string[];
  /** Absolute paths. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly plainHttp: boolean;
  /** The environment variable that holds the tokens. */
  readonly tokenEnv: string;
  readonly accessTokens?: {
    readonly issuer: string;
    readonly audience: string;
    readonly keys: string;
    readonly claim: string;
    readonly values: readonly string[];
  };
  /** Absolute path of a file that holds them instead. */
  readonly tokenFile?: string;
}

/** A plan before a deploy has chosen its parameters. */
export interface PlanConfig extends Pick<ResolvedPlan, 'drain' | 'steps' | 'onFailure' | 'holdMs' | 'approvals'> {
  /** Names of the queues it pauses; left out: all. */
  readonly queues?: readonly string[];
  readonly parameters: ReadonlyMap<string, ParameterSpec>;
  readonly steps: readonly PlanStep[];
}

/** What a value of a plan's parameter must be. */
export interface ParameterSpec {
  /** A regular expression that the whole value matches; left out: anything. */
  readonly pattern?: string;
  readonly required: boolean;
}
