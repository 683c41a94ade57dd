import type { JobPhase } from '../protocol.ts';
import type { Ledger } from './pool.ts';

/** A job as the view `lockkeeper.jobs` shows it. */
export interface JobRow {
  /** Its identity in the ledger, where it is there already. */
  readonly key?: string;
  readonly workflowId: string;
  readonly name: string;
  readonly taskQueue: string;
  /** Whom it belongs to. */
  readonly owner?: string;
  /** `pending`: it waits for its first slice. */
  readonly state: JobPhase | 'pending';
  readonly seq: number;
  readonly interruptions: number;
  readonly losses: number;
  readonly progress: { readonly done?: number; readonly total?: number; readonly note?: string };
  readonly reason?: string;
  /** The deploy behind whose closed gate it waits. */
  readonly gateClosedBy?: string;
  /** Why it last went on from another checkpoint than its last one, without a person's word, and when. */
  readonly wentBack?: string;
  readonly wentBackAt?: Date;
  readonly lastCheckpointAt?: Date;
  readonly worker?: string;
  readonly buildId?: string;
  readonly createdAt: Date;
  /** When its state last changed, or it last saved its place. */
  readonly changedAt?: Date;
}

interface RawJob {
  key: string;
  workflow_id: string;
  name: string;
  task_queue: string;
  owner: string | null;
  state: JobPhase;
  seq: string;
  interruptions: number;
  losses: number;
  progress_done: number | null;
  progress_total: number | null;
  progress_note: string | null;
  reason: string | null;
  went_back: string | null;
  went_back_at: Date | null;
  last_checkpoint_at: Date | null;
  worker: string | null;
  build_id: string | null;
  gate_closed_by: string | null;
  created_at: Date;
  changed_at: Date;
}

const jobRow = (r: RawJob): JobRow => ({
  key: r.key,
  workflowId: r.workflow_id,
  name: r.name,
  taskQueue: r.task_queue,
  ...(r.owner !== null && { owner: r.owner }),
  state: r.state,
  seq: Number(r.seq),
  interruptions: r.interruptions,
  losses: r.losses,
  progress: {
    ...(r.progress_done !== null && { done: r.progress_done }),
    ...(r.progress_total !== null && { total: r.progress_total }),
    ...(r.progress_note !== null && { note: r.progress_note }),
  },
  ...(r.reason !== null && { reason: r.reason }),
  ...(r.gate_closed_by !== null && { gateClosedBy: r.gate_closed_by }),
  ...(r.went_back !== null && { wentBack: r.went_back }),
  ...(r.went_back_at !== null && { wentBackAt: r.went_back_at }),
  ...(r.last_checkpoint_at !== null && { lastCheckpointAt: r.last_checkpoint_at }),
  ...(r.worker !== null && { worker: r.worker }),
  ...(r.build_id !== null && { buildId: r.build_id }),
  createdAt: r.created_at,
  changedAt: r.changed_at,
});

/** Latest first. */
export async function listJobs(
  ledger: Ledger,
  options: { readonly state?: string; readonly name?: string; readonly owner?: string; readonly limit: number },
): Promise<JobRow[]> {
  const { rows } = await ledger.pool.query<RawJob>(
    `select * from lockkeeper.jobs
     where namespace = $1 and ($2::text is null or state = $2) and ($3::text is null or name = $3)
       and ($4::text is null or owner = $4)
     order by created_at desc limit $5`,
    [ledger.namespace, options.state ?? null, options.name ?? null, options.owner ?? null, options.limit],
  );
  return rows.map(jobRow);
}

/** The newest job of a workflow id; with `firstRunId`, of that execution alone. */
export async function readJob(ledger: Ledger, workflowId: string, firstRunId?: string): Promise<JobRow | undefined> {
  const { rows } = await ledger.pool.query<RawJob>(
    `select * from lockkeeper.jobs
     where namespace = $1 and workflow_id = $2 and ($3::text is null or starts_with(key, $3))
     order by created_at desc limit 1`,
    [ledger.namespace, workflowId, firstRunId ?? null],
  );
  return rows[0] && jobRow(rows[0]);
}

/** All jobs of the newest execution of a workflow id, those in quarantine first, then the newest: a workflow of a user's own may have several. */
export async function jobsOf(ledger: Ledger, workflowId: string): Promise<JobRow[]> {
  const { rows } = await ledger.pool.query<RawJob>(
    `with newest as (
       select split_part(key, '/', 1) as execution from lockkeeper.jobs
       where namespace = $1 and workflow_id = $2 order by created_at desc limit 1)
     select j.* from lockkeeper.jobs j, newest
     where j.namespace = $1 and j.workflow_id = $2 and split_part(j.key, '/', 1) = newest.execution
     order by j.state = 'quarantined' desc, j.created_at desc`,
    [ledger.namespace, workflowId],
  );
  return rows.map(jobRow);
}

/** The newest job of each of these workflow ids that the ledger has one of. */
export async function newestJobs(ledger: Ledger, workflowIds: readonly string[]): Promise<JobRow[]> {
  const { rows } = await ledger.pool.query<RawJob>(
    `select distinct on (workflow_id) * from lockkeeper.jobs
     where namespace = $1 and workflow_id = any($2) order by workflow_id, created_at desc`,
    [ledger.namespace, workflowIds],
  );
  return rows.map(jobRow);
}

export interface DoneJob {
  readonly name: string;
  /** Where its result is. */
  readonly key: string;
}

/** Of these workflow ids those whose newest job is done, by the id. */
export async function doneJobs(ledger: Ledger, workflowIds: readonly string[]): Promise<Map<string, DoneJob>> {
  const { rows } = await ledger.pool.query<DoneJob & { workflow_id: string; state: JobPhase }>(
    `select distinct on (workflow_id) workflow_id, name, key, state from lockkeeper._jobs
     where namespace = $1 and workflow_id = any($2) order by workflow_id, created_at desc`,
    [ledger.namespace, workflowIds],
  );
  return new Map(
    rows.filter(({ state }) => state === 'done').map(({ workflow_id, name, key }) => [workflow_id, { name, key }]),
  );
}
