import type { WorkflowExecutionInfo, WorkflowExecutionStatusName } from '@temporalio/client';
import { JobSeal } from '../crypto/job-seal.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { JobRow } from '../ledger/jobs.ts';

const ENDED: readonly JobRow['state'][] = ['done', 'failed', 'cancelled'];
const ENDED_AS: Partial<Record<WorkflowExecutionStatusName, JobRow['state']>> = {
  COMPLETED: 'done',
  CANCELLED: 'cancelled',
  FAILED: 'failed',
  TERMINATED: 'failed',
  TIMED_OUT: 'failed',
};

/** What is read of a workflow, whether it was described or listed. */
export type SeenWorkflow = Pick<
  WorkflowExecutionInfo,
  'workflowId' | 'type' | 'taskQueue' | 'startTime' | 'status' | 'searchAttributes'
>;

/** Whether nothing more happens to a job. */
export const hasEnded = ({ state }: Pick<JobRow, 'state'>): boolean => ENDED.includes(state);

/** The job's name, as it was given to its workflow; nothing of a search attribute is encrypted. */
export function nameOf({ searchAttributes }: Pick<SeenWorkflow, 'searchAttributes'>): string | undefined {
  const name = searchAttributes['LockkeeperJob']?.[0];
  return typeof name === 'string' ? name : undefined;
}

/** A job as workflow and ledger know it together: the ledger has none before its first slice, and does not hear of a termination. */
export function jobRowOf(workflow: SeenWorkflow, row: JobRow | undefined): JobRow {
  const known = row ?? waitingRow(workflow);
  const endedAs = ENDED_AS[workflow.status.name];
  if (endedAs === undefined || hasEnded(known)) return known;
  return {
    ...known,
    state: endedAs,
    ...(endedAs === 'failed' && { reason: `its workflow is ${workflow.status.name}` }),
  };
}

const waitingRow = (workflow: SeenWorkflow): JobRow => ({
  workflowId: workflow.workflowId,
  name: nameOf(workflow) ?? workflow.type,
  taskQueue: workflow.taskQueue,
  state: 'pending',
  seq: 0,
  interruptions: 0,
  losses: 0,
  progress: {},
  createdAt: workflow.startTime,
});

/** The row with what is the job's own in it decrypted, where the key is there. */
export function openTexts(row: JobRow, keyring: Keyring | undefined): JobRow {
  if (row.key === undefined) return row;
  const seal = new JobSeal(keyring, row.key);
  const { note } = row.progress;
  return {
    ...row,
    progress: { ...row.progress, ...(note !== undefined && { note: seal.openText(note, 'note') }) },
    ...(row.reason !== undefined && { reason: seal.openText(row.reason, 'reason') }),
  };
}
