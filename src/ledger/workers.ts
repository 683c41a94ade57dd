import type { Ledger, Queryable } from './pool.ts';

/** First number of the advisory locks that say a worker lives: "LKWK" in ASCII. The migrations know it, too. */
export const WORKER_LOCK_CLASS = 0x4c4b574b;

/** What a worker's two connections of its own are called in `pg_stat_activity`: one holds its lock, one watches the others. */
export const workerSessionName = (id: string) => `lockkeeper worker ${id}`;
export const watchSessionName = (id: string) => `lockkeeper watch ${id}`;

export interface WorkerRecord {
  readonly id: string;
  readonly kind: 'worker' | 'deploy-worker';
  readonly buildId: string;
  readonly taskQueues: readonly string[];
  readonly host: string;
  readonly pid: number;
}

/** Writes down a worker that starts; returns the number of the session lock it is to hold while it lives. */
export async function registerWorker(ledger: Ledger, w: WorkerRecord): Promise<string> {
  const { rows } = await ledger.pool.query<{ session_lock: string }>(
    `insert into lockkeeper._workers (id, kind, build_id, task_queues, host, pid) values ($1, $2, $3, $4, $5, $6)
     on conflict (id) do update set stopping_at = null, stopped_at = null returning session_lock`,
    [w.id, w.kind, w.buildId, w.taskQueues, w.host, w.pid],
  );
  return rows[0]!.session_lock;
}

/** One that left slices at work behind has not stopped: it is missed when it is gone, and they go on elsewhere. */
export async function markWorker(ledger: Ledger, id: string, what: 'stopping' | 'stopped'): Promise<void> {
  await ledger.pool.query(
    `update lockkeeper._workers w set ${what}_at = now() where id = $1 and ($2 = 'stopping' or not exists (
       select from lockkeeper._claims c where c.worker = w.id and c.state = 'running'))`,
    [id, what],
  );
}

/** A worker that holds its session lock has not stopped, whatever was believed of it. */
export async function clearStopped(db: Queryable, id: string): Promise<void> {
  await db.query('update lockkeeper._workers set stopped_at = null where id = $1 and stopped_at is not null', [id]);
}
