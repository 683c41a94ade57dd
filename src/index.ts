/** What users import. Workflows of your own import from `lockkeeper/workflow`. */
export { defineJob, jobGraph } from './jobs/index.ts';
export type {
  GraphBuilder,
  GraphDefinition,
  GraphInputOf,
  GraphNode,
  GraphOptions,
  GraphResultOf,
  InputOf,
  Job,
  JobDefinition,
  JobOptions,
  NameOf,
  NodeOptions,
  NodeResult,
  ResultOf,
  RetryOptions,
  Sql,
  StateSpec,
  Steps,
  WithResults,
} from './jobs/index.ts';
export type { Duration } from './duration.ts';
export { LockkeeperError, isLockkeeperError } from './errors.ts';
export type { ErrorCode } from './errors.ts';
export { lockkeeperDataConverter } from './crypto/data-converter.ts';
export type { DataConverterOptions } from './crypto/data-converter.ts';
export { findEncryption } from './crypto/encryption.ts';
export type { Encryption } from './crypto/encryption.ts';
export { readKeyFile } from './crypto/key-file.ts';
export { parseKeyring } from './crypto/keyring.ts';
export type { Keyring } from './crypto/keyring.ts';
export { connectTemporal } from './client/connection.ts';
export type { TemporalConnection } from './client/connection.ts';
export { connect } from './client/connect.ts';
export type { ConnectOptions, Lockkeeper } from './client/connect.ts';
export { JobClient } from './client/job-client.ts';
export type { StartOptions } from './client/job-client.ts';
export { JobHandle } from './client/job-handle.ts';
export type { ListOptions } from './client/job-list.ts';
export { GraphClient } from './client/graph-client.ts';
export type { GraphStartOptions } from './client/graph-client.ts';
export { GraphHandle } from './client/graph-handle.ts';
export type { GraphRerun } from './client/graph-handle.ts';
export type { GraphListOptions, GraphRow } from './client/graph-list.ts';
export type { JobRow } from './ledger/jobs.ts';
export { DeployClient } from './client/deploy-client.ts';
export type { AskedDeploy, Waiting, Whereabouts } from './client/deploy-client.ts';
export type { OrderActs } from './client/order-acts.ts';
export type { DeployNews } from './client/watch-deploy.ts';
export type { DeployRow } from './ledger/deploys.ts';
export { ensureSearchAttributes } from './client/search-attributes.ts';
export { openLedger } from './ledger/pool.ts';
export type { Ledger, LedgerOptions } from './ledger/pool.ts';
export { migrateLedger } from './ledger/migrate.ts';
export { createWorker } from './workers/worker.ts';
export type { LockkeeperWorker, WorkerOptions } from './workers/worker.ts';
export { lockkeeperPlugin } from './workers/plugin.ts';
export type { LockkeeperPlugin, LockkeeperPluginOptions } from './workers/plugin.ts';
export { workflowsOfJobs } from './workers/join-workflows.ts';
export { createLogger } from './log.ts';
export type { Logger } from './log.ts';
export type {
  DeployFinish,
  DeployRequest,
  DeployRunResult,
  DeployStatus,
  DeployTicket,
  Freeze,
  FreezeAnswer,
  GraphPhase,
  GraphStatus,
  JobStatus,
  NodeState,
  NodeStatus,
  Operation,
  Outcome,
  QueuedDeploy,
  ReleaseChoice,
  WaitsFor,
  Withdrawal,
} from './protocol.ts';
