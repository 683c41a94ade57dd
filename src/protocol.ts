/**
 * Every name and payload that crosses a workflow boundary. Pure: it is part of the workflow bundle.
 * Running workflows outlive releases: fields are added as optional, never renamed or given another meaning.
 */
export * from './protocol/jobs.ts';
export * from './protocol/graphs.ts';
export * from './protocol/results.ts';
export * from './protocol/refuse-graph.ts';
export * from './protocol/deploys.ts';
export * from './protocol/order.ts';
export * from './protocol/plan.ts';
export * from './protocol/steps.ts';
export * from './protocol/deploy-activities.ts';
export * from './protocol/search-attributes.ts';
