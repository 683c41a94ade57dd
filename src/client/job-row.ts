import type { WorkflowExecutionInfo, WorkflowExecutionStatusName } from '@temporalio/client';
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
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
  'workflowId' | 'type' | 'taskQueue' | 'startTime' | 'status' | 'memo' | 'typedSearchAttributes'
>;

/** Whether nothing more happens to a job. */
export const hasEnded = ({ state }: Pick<JobRow, 'state'>): boolean => ENDED.includes(state);

/** The job's name, as it was given to its workflow. */
export const nameOf = ({ memo }: Pick<SeenWorkflow, 'memo'>): string | undefined =>
  typeof memo?.['job'] === 'string' ? memo['job'] : undefined;

const OWNER = defineSearchAttributeKey('LockkeeperOwner', SearchAttributeType.KEYWORD);
const ownerOf = ({ typedSearchAttributes }: SeenWorkflow) => typedSearchAttributes.get(OWNER);

/**
 * A job as workflow and ledger know it together: the ledger has none before its first slice, and does not hear of a termination.
 * `closed`: see `closedGates`.
 */
export function jobRowOf(workflow: SeenWorkflow, row: JobRow | undefined, closed: ReadonlyMap<string, string>): JobRow {
  const known = row ?? waitingRow(workflow, closed.get(workflow.taskQueue));
  const endedAs = ENDED_AS[workflow.status.name];
  if (endedAs === undefined || hasEnded(known)) return known;
  return {
    ...known,
    state: endedAs,
    ...(endedAs === 'failed' && { reason: `its workflow is ${workflow.status.name}` }),
  };
}

function waitingRow(workflow: SeenWorkflow, gateClosedBy: string | undefined): JobRow {
  const owner = ownerOf(workflow);
  return {
    workflowId: workflow.workflowId,
    name: nameOf(workflow) ?? workflow.type,
    taskQueue: workflow.taskQueue,
    ...(owner !== undefined && { owner }),
    state: 'pending',
    seq: 0,
    interruptions: 0,
    losses: 0,
    progress: {},
    ...(gateClosedBy !== undefined && workflow.status.name === 'RUNNING' && { gateClosedBy }),
    createdAt: workflow.startTime,
  };
}

/** The row with what is the job's own in it decrypted, where the key is there. */
export function openTexts(row: JobRow, keyring: Keyring | undefined): JobRow {
  if (row.key === undefined) return row;
  const seal = new JobSeal(keyring, row.key);
  const { note } = row.progress;
  return {
    ...row,
    progress: { ...row.progress, ...(note !== undefined && { note: seal.openText(note, 'note') }) },
    ...(row.reason !== undefined && { reason: seal.openText(row.reason, 'reason') }),
    ...(row.wentBack !== undefined && { wentBack: seal.openText(row.wentBack, 'reason') }),
  };
}
