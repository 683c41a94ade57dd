import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { closedGates } from '../ledger/gates.ts';
import { listJobs, newestJobs } from '../ledger/jobs.ts';
import type { JobRow } from '../ledger/jobs.ts';
import type { Ledger } from '../ledger/pool.ts';
import { jobRowOf } from './job-row.ts';
import { quoted } from './visibility.ts';

/** Jobs in a list unless asked otherwise. */
const LIST_LIMIT = 50;
/** Workflows that the ledger is asked about at once. */
const AT_ONCE = 100;

export interface ListOptions {
  readonly state?: JobRow['state'];
  /** The name of the job's definition. */
  readonly name?: string;
  /** As given to `start`. */
  readonly owner?: string;
  /** 50 unless said otherwise. */
  readonly limit?: number;
}

/** Jobs, latest first, also those that wait for their first slice. */
export async function findJobs(client: Client, ledger: Ledger, options: ListOptions): Promise<JobRow[]> {
  const { state, limit = LIST_LIMIT } = options;
  const begun = state === 'pending' ? [] : await listJobs(ledger, { ...options, limit });
  // Of a full list, nothing older would be shown.
  const since = begun.length === limit ? begun.at(-1)!.createdAt : new Date(0);
  const waiting =
    state === undefined || state === 'pending' ? await pending(client, ledger, since, { ...options, limit }) : [];
  return [...waiting, ...begun].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime()).slice(0, limit);
}

type Wanted = ListOptions & { readonly limit: number };

const isWanted = (row: JobRow, { name, owner }: Wanted) =>
  (name === undefined || row.name === name) && (owner === undefined || row.owner === owner);

/** Running job workflows that the ledger does not know yet: nothing of them has been claimed. */
async function pending(client: Client, ledger: Ledger, since: Date, wanted: Wanted): Promise<JobRow[]> {
  const found: JobRow[] = [];
  const closed = await closedGates(ledger);
  const ofOwner = wanted.owner === undefined ? '' : ` and LockkeeperOwner = ${quoted(wanted.owner)}`;
  const query = `LockkeeperKind = 'job' and ExecutionStatus = 'Running'${ofOwner}`;
  for await (const workflows of latest(client, query)) {
    const known = await rowsOf(ledger, workflows);
    for (const workflow of workflows) {
      if (workflow.startTime < since) return found;
      if (known.has(workflow.workflowId)) continue;
      const row = jobRowOf(workflow, undefined, closed);
      if (isWanted(row, wanted)) found.push(row);
      if (found.length === wanted.limit) return found;
    }
  }
  return found;
}

async function rowsOf(ledger: Ledger, workflows: readonly WorkflowExecutionInfo[]): Promise<Map<string, JobRow>> {
  const rows = await newestJobs(
    ledger,
    workflows.map((workflow) => workflow.workflowId),
  );
  return new Map(rows.map((row) => [row.workflowId, row]));
}

/** Workflows, latest first, some at a time. */
async function* latest(client: Client, query: string): AsyncGenerator<WorkflowExecutionInfo[], void, void> {
  let some: WorkflowExecutionInfo[] = [];
  for await (const workflow of client.workflow.list({ query, pageSize: AT_ONCE })) {
    some.push(workflow);
    if (some.length < AT_ONCE) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}
