/** What is told of a job. Migration 002 writes these names. */
export const JOB_EVENTS = [
  'job.interrupted',
  'job.resumed',
  'job.quarantined',
  'job.failed',
  'job.finished',
  'job.cancelled',
] as const;

export type JobEvent = (typeof JOB_EVENTS)[number];

/** What is told of a deploy. Migration 005 writes these names. */
export const DEPLOY_EVENTS = [
  'deploy.requested',
  'deploy.waiting',
  'deploy.started',
  'deploy.drainLate',
  'deploy.leaseLost',
  'deploy.held',
  'deploy.failed',
  'deploy.rolledBack',
  'deploy.aborted',
  'deploy.finished',
] as const;

export type DeployEvent = (typeof DEPLOY_EVENTS)[number];

export const NOTICE_EVENTS = [...JOB_EVENTS, ...DEPLOY_EVENTS] as const;

export type NoticeEvent = (typeof NOTICE_EVENTS)[number];

export const isDeployEvent = (event: string): event is DeployEvent =>
  (DEPLOY_EVENTS as readonly string[]).includes(event);
