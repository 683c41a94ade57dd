export { defineJob, isJobDefinition } from './define-job.ts';
export type {
  AnyJob,
  InputOf,
  JobDefinition,
  JobOptions,
  NameOf,
  ResultOf,
  RetryOptions,
  StateSpec,
} from './define-job.ts';
export type { Job, Saved, Sql, Steps } from './job.ts';
