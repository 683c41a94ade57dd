import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { closedGates } from '../ledger/gates.ts';
import { listJobs, newestJobs } from '../ledger/jobs.ts';
import type { JobRow } from '../ledger/jobs.ts';
import type { Ledger } from '../ledger/pool.ts';
import { jobRowOf } from './job-row.ts';

/** Jobs in a list unless asked otherwise. */
const LIST_LIMIT = 50;
/** Workflows that the ledger is asked about at once. */
const AT_ONCE = 100;

export interface ListOptions {
  readonly state?: JobRow['state'];
  /** The name of the job's definition. */
  readonly name?: string;
  /** As given to `start`. Temporal forgets it when the workflow's retention is over. */
  readonly owner?: string;
  /** 50 unless said otherwise. */
  readonly limit?: number;
}

/** Jobs, latest first, also those that wait for their first slice. */
export async function findJobs(client: Client, ledger: Ledger, options: ListOptions): Promise<JobRow[]> {
  const { state, owner, limit = LIST_LIMIT } = options;
  if (owner !== undefined) return owned(client, ledger, owner, { ...options, limit });
  const begun = state === 'pending' ? [] : await listJobs(ledger, { ...options, limit });
  // Of a full list, nothing older would be shown.
  const since = begun.length === limit ? begun.at(-1)!.createdAt : new Date(0);
  const waiting =
    state === undefined || state === 'pending' ? await pending(client, ledger, since, { ...options, limit }) : [];
  return [...waiting, ...begun].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime()).slice(0, limit);
}

type Wanted = ListOptions & { readonly limit: number };

const isWanted = (row: JobRow, { state, name }: Wanted) =>
  (state === undefined || row.state === state) && (name === undefined || row.name === name);

/** The ledger does not know owners: the workflows of one are asked of Temporal, and what became of them of the ledger. */
async function owned(client: Client, ledger: Ledger, owner: string, wanted: Wanted): Promise<JobRow[]> {
  const found = new Map<string, JobRow>();
  const query = `LockkeeperKind = 'job' and LockkeeperOwner = ${quoted(owner)}`;
  const closed = await closedGates(ledger);
  for await (const workflows of latest(client, query)) {
    const rows = await rowsOf(ledger, workflows);
    for (const workflow of workflows) {
      const row = jobRowOf(workflow, rows.get(workflow.workflowId), closed);
      if (isWanted(row, wanted) && !found.has(row.workflowId)) found.set(row.workflowId, row);
      if (found.size === wanted.limit) return [...found.values()];
    }
  }
  return [...found.values()];
}

/** Running job workflows that the ledger does not know yet: nothing of them has been claimed. */
async function pending(client: Client, ledger: Ledger, since: Date, wanted: Wanted): Promise<JobRow[]> {
  const found: JobRow[] = [];
  const closed = await closedGates(ledger);
  for await (const workflows of latest(client, `LockkeeperKind = 'job' and ExecutionStatus = 'Running'`)) {
    const known = await rowsOf(ledger, workflows);
    for (const workflow of workflows) {
      if (workflow.startTime < since) return found;
      if (known.has(workflow.workflowId)) continue;
      const row = jobRowOf(workflow, undefined, closed);
      if (isWanted(row, { ...wanted, state: 'pending' })) found.push(row);
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

/** A string of Temporal's query language; it may come from anybody. */
const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
