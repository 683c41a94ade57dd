/** What users import. Workflows of your own import from `lockkeeper/workflow`. */
export { defineJob } from './jobs/index.ts';
export type {
  InputOf,
  Job,
  JobDefinition,
  JobOptions,
  NameOf,
  ResultOf,
  RetryOptions,
  Sql,
  StateSpec,
  Steps,
} from './jobs/index.ts';
export type { Duration } from './duration.ts';
export { LockkeeperError, isLockkeeperError } from './errors.ts';
export type { ErrorCode } from './errors.ts';
export { connectTemporal } from './client/connection.ts';
export type { TemporalConnection } from './client/connection.ts';
export { JobClient, JobHandle } from './client/job-client.ts';
export type { StartOptions } from './client/job-client.ts';
export { DeployClient } from './client/deploy-client.ts';
export type { Whereabouts } from './client/deploy-client.ts';
export { ensureSearchAttributes } from './client/search-attributes.ts';
export { openLedger } from './ledger/pool.ts';
export type { Ledger, LedgerOptions } from './ledger/pool.ts';
export { migrateLedger } from './ledger/migrate.ts';
export { createWorker } from './workers/worker.ts';
export type { LockkeeperWorker, WorkerOptions } from './workers/worker.ts';
export { createLogger } from './log.ts';
export type { Logger } from './log.ts';
export type { DeployRequest, DeployStatus, DeployTicket, JobStatus, Outcome, ReleaseChoice } from './protocol.ts';
