import { proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type { Work } from './jobs.ts';

/** Plain Temporal: one activity that heartbeats its place. */
export async function plain(work: Work, options: ActivityOptions): Promise<void> {
  const { insertItems } = proxyActivities<{ insertItems(work: Work): Promise<void> }>(options);
  await insertItems(work);
}
