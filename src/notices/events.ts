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
