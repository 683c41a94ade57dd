import type { Ledger } from './pool.ts';

/** Who keeps a queue from being drained. */
export interface BlockingJobs {
  readonly taskQueue: string;
  /** Workflow ids of jobs whose slices run; those that have run longest first. */
  readonly jobs: readonly string[];
  /** How many there are, also beyond those that are named. */
  readonly total: number;
}

/** The jobs that still have a slice at work on these queues, at most `limit` named of each. */
export async function blockingJobs(
  ledger: Ledger,
  taskQueues: readonly string[],
  limit: number,
): Promise<BlockingJobs[]> {
  const { rows } = await ledger.pool.query<BlockingJobs>(
    `select task_queue as "taskQueue", (array_agg(workflow_id order by started_at))[1:$3] as jobs, count(*)::integer as total
     from lockkeeper.claims where namespace = $1 and task_queue = any($2) and state = 'running'
     group by task_queue order by task_queue`,
    [ledger.namespace, taskQueues, limit],
  );
  return rows;
}
