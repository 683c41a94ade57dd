import type { WorkflowExecutionInfo } from '@temporalio/client';
import { nameOf } from './job-row.ts';

/**
 * Whether the workflow that stands under the id of a job is that job, with that input. What was started by hand has no hash,
 * and is taken for what it is called.
 */
export function isSameJob(
  there: Pick<WorkflowExecutionInfo, 'memo'>,
  job: string,
  isSameInput: (hash: string) => boolean,
): boolean {
  const theirs = there.memo?.['inputHash'];
  return nameOf(there) === job && (typeof theirs !== 'string' || isSameInput(theirs));
}
