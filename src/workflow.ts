/** Entry `lockkeeper/workflow`: what a workflow of your own may import. Safe in Temporal's sandbox. */
export { runJob } from './workflows/run-job.ts';
export type { RunJobOptions } from './workflows/run-job.ts';
