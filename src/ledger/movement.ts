import type { DeployRef } from '../protocol.ts';
import type { Ledger } from './pool.ts';

/** Jobs named for each queue. */
const NAMED = 20;

/** A queue on which no work is seen moving. */
export interface StandingQueue {
  readonly taskQueue: string;
  /** Interrupted jobs that wait on it, some of them if there are many. */
  readonly workflowIds: readonly string[];
}

/**
 * Queues on which this deploy interrupted jobs and none of them has been claimed since the gate opened: no work is seen moving.
 * A queue where nothing was interrupted has nothing to show.
 */
export async function standingQueues(ledger: Ledger, ref: DeployRef): Promise<StandingQueue[]> {
  const { rows } = await ledger.pool.query<StandingQueue>(
    `select g.task_queue as "taskQueue", (array_agg(j.workflow_id order by j.changed_at desc))[:$4] as "workflowIds"
     from lockkeeper._gates g
     join lockkeeper._jobs j on j.namespace = g.namespace and j.task_queue = g.task_queue and j.state = 'interrupted'
     where g.namespace = $1 and g.environment = $2
       and j.changed_at >= (select d.lock_granted_at from lockkeeper._deploys d
         where d.namespace = g.namespace and d.environment = g.environment and d.id = $3)
       and not exists (select from lockkeeper._claims c where c.namespace = g.namespace and c.task_queue = g.task_queue
         and c.started_at >= g.changed_at)
     group by 1 order by 1`,
    [ledger.namespace, ref.environment, ref.deploy, NAMED],
  );
  return rows;
}
