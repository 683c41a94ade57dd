import type { Ledger } from './pool.ts';

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

export async function markWorker(ledger: Ledger, id: string, what: 'stopping' | 'stopped'): Promise<void> {
  await ledger.pool.query(`update lockkeeper._workers set ${what}_at = now() where id = $1`, [id]);
}

/** Builds of the workers that serve a queue and have not begun to stop. */
export async function workersOf(
  ledger: Ledger,
  taskQueue: string,
): Promise<{ id: string; buildId: string; host: string; pid: number }[]> {
  const { rows } = await ledger.pool.query<{ id: string; build_id: string; host: string; pid: number }>(
    `select id, build_id, host, pid from lockkeeper._workers
     where $1 = any(task_queues) and kind = 'worker' and stopping_at is null and stopped_at is null`,
    [taskQueue],
  );
  return rows.map((r) => ({ id: r.id, buildId: r.build_id, host: r.host, pid: r.pid }));
}
