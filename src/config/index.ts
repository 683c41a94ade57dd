export { LEDGER_DATABASE } from './config.ts';
export type {
  CodecServerConfig,
  Config,
  ConfigWithQueues,
  Database,
  ParameterSpec,
  PlanConfig,
  WorkerOptions,
} from './config.ts';
export { codecServerConfig } from './build-codec-server.ts';
export { nearestConfigFile } from './find-file.ts';
export { loadConfig } from './load-config.ts';
export { loadDefinitions, loadJobs } from './load-jobs.ts';
export type { Definitions } from './load-jobs.ts';
export { resolvePlan } from './resolve-plan.ts';
export { withQueues } from './with-queues.ts';
