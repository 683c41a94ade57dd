// What the workflow bundle of every worker contains: each export is a workflow type. The user's own workflows join it.
export { job } from './job.ts';
export { jobGraph } from './job-graph.ts';
export { deployCoordinator } from './deploy-coordinator.ts';
export { deployRun } from './deploy-run.ts';
export { deployStep } from './deploy-step.ts';
