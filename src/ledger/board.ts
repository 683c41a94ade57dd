import type { Ledger } from './pool.ts';

export interface BoardGate {
  readonly taskQueue: string;
  readonly state: 'open' | 'closed' | 'opening';
  readonly deploy: string | null;
  /** When it was last closed or opened. */
  readonly since: Date;
  readonly runningSlices: number;
  /** Slices whose work no longer counts, but that have not said that they stopped. */
  readonly fencedNotStopped: number;
}

/** The gates of an environment, with who may still be at work behind them. */
export async function boardGates(ledger: Ledger, environment: string): Promise<BoardGate[]> {
  const { rows } = await ledger.pool.query<BoardGate>(
    `select task_queue as "taskQueue", state, owner_deploy as deploy, changed_at as since, running_slices as "runningSlices",
       fenced_not_stopped as "fencedNotStopped"
     from lockkeeper.gates where namespace = $1 and environment = $2 order by task_queue`,
    [ledger.namespace, environment],
  );
  return rows;
}

export interface BoardJob {
  readonly workflowId: string;
  readonly name: string;
  readonly taskQueue: string;
  readonly state: string;
  readonly seq: number;
  readonly progress: { readonly done?: number; readonly total?: number };
  /** Why it is as it is, or the note of its progress. */
  readonly note: string | null;
  /** The deploy behind whose closed gate it waits. */
  readonly gateClosedBy: string | null;
}

/** As the ledger has it: what is the job's own in the note may be encrypted. */
export interface SavedBoardJob extends BoardJob {
  readonly key: string;
  readonly noteIs: 'reason' | 'note';
}

/** Jobs of an environment that have begun and not ended: those that wait for a person first, then the latest. */
export async function boardJobs(
  ledger: Ledger,
  environment: string,
  limit: number,
): Promise<{ jobs: SavedBoardJob[]; total: number }> {
  const { rows } = await ledger.pool.query<SavedBoardJob & { seq: string; total: number }>(
    `select j.key, j.workflow_id as "workflowId", j.name, j.task_queue as "taskQueue", j.state, j.seq,
       jsonb_strip_nulls(jsonb_build_object('done', j.progress_done, 'total', j.progress_total)) as progress,
       coalesce(j.reason, j.progress_note) as note, j.gate_closed_by as "gateClosedBy",
       case when j.reason is null then 'note' else 'reason' end as "noteIs", (count(*) over ())::integer as total
     from lockkeeper.jobs j join lockkeeper.gates g on g.namespace = j.namespace and g.task_queue = j.task_queue
     where j.namespace = $1 and g.environment = $2 and j.state not in ('done', 'failed', 'cancelled')
     order by j.state = 'quarantined' desc, j.created_at desc limit $3`,
    [ledger.namespace, environment, limit],
  );
  const jobs = rows.map((row) => ({ ...row, seq: Number(row.seq) }));
  return { jobs, total: rows[0]?.total ?? 0 };
}

export interface BoardBuild {
  readonly kind: 'worker' | 'deploy-worker';
  readonly buildId: string;
  readonly workers: number;
  /** Of these, how many have begun to stop. */
  readonly stopping: number;
  readonly taskQueues: readonly string[];
}

/** Workers alive, by build: those that hold their session lock, which ends with the process however it ends. */
export async function boardBuilds(ledger: Ledger, taskQueues: readonly string[]): Promise<BoardBuild[]> {
  const { rows } = await ledger.pool.query<BoardBuild>(
    `select w.kind, w.build_id as "buildId", count(distinct w.id)::integer as workers,
       (count(distinct w.id) filter (where w.stopping_at is not null))::integer as stopping,
       array_agg(distinct q.name order by q.name) as "taskQueues"
     from lockkeeper._workers w cross join unnest(w.task_queues) as q (name)
     where w.task_queues && $1 and w.stopped_at is null
       and w.session_lock in (select l.session_lock from lockkeeper._session_locks l)
     group by w.kind, w.build_id order by w.kind, w.build_id`,
    [taskQueues],
  );
  return rows;
}
