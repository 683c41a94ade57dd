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
export { isGraphDefinition, jobGraph } from './job-graph.ts';
export type {
  AnyGraph,
  GraphBuilder,
  GraphDefinition,
  GraphInputOf,
  GraphNode,
  GraphOptions,
  GraphResultOf,
  NodeArguments,
  NodeOptions,
  NodeResult,
  ResolvedResults,
  WithResults,
} from './job-graph.ts';
export type { Job, Saved, Sql, Steps } from './job.ts';
