import type { Ledger } from './pool.ts';

/** A task queue whose jobs some worker is alive to run, and whose gate is open if there is one. */
export async function servedQueue(ledger: Ledger): Promise<string | undefined> {
  const { rows } = await ledger.pool.query<{ task_queue: string }>(
    `select g.task_queue from lockkeeper._workers w join lockkeeper._gates g on g.task_queue = any(w.task_queues)
     where w.kind = 'worker' and w.stopped_at is null and w.stopping_at is null and g.namespace = $1
       and w.session_lock in (select l.session_lock from lockkeeper._session_locks l)
     order by g.state = 'open' desc, g.task_queue limit 1`,
    [ledger.namespace],
  );
  return rows[0]?.task_queue;
}
