import type { DeployRef } from '../protocol.ts';
import type { Ledger } from './pool.ts';

/**
 * Queues on which this deploy interrupted jobs and none of them has been claimed since the gate opened: no work is seen moving.
 * A queue where nothing was interrupted has nothing to show.
 */
export async function standingQueues(ledger: Ledger, ref: DeployRef): Promise<string[]> {
  const { rows } = await ledger.pool.query<{ task_queue: string }>(
    `select g.task_queue from lockkeeper._gates g
     where g.namespace = $1 and g.environment = $2
       and exists (select from lockkeeper._jobs j where j.namespace = g.namespace and j.task_queue = g.task_queue
         and j.state = 'interrupted'
         and j.changed_at >= (select d.lock_granted_at from lockkeeper._deploys d
           where d.namespace = g.namespace and d.environment = g.environment and d.id = $3))
       and not exists (select from lockkeeper._claims c where c.namespace = g.namespace and c.task_queue = g.task_queue
         and c.started_at >= g.changed_at)
     order by 1`,
    [ledger.namespace, ref.environment, ref.deploy],
  );
  return rows.map((r) => r.task_queue);
}
