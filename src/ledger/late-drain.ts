import { DRAIN_NEARLY_LATE } from '../defaults.ts';
import { CODE } from '../protocol.ts';
import type { DeployRef, QueueState, ResolvedPlan } from '../protocol.ts';
import { addEvent } from './events.ts';
import { inTransaction } from './pool.ts';
import type { Ledger, Queryable } from './pool.ts';

/** What is on the record of a drain that takes long. */
export interface LateDrain {
  /** The fencing token of the run that drains. */
  readonly token: number;
  /** The deadline has passed; else it is near. */
  readonly past: boolean;
  /** An ISO time. */
  readonly deadline: string;
  readonly onTimeout: ResolvedPlan['drain']['onTimeout'];
  /** Queues where slices are still at work; none of them, where it is participants that have said nothing. */
  readonly taskQueues: readonly string[];
  readonly participants: readonly string[];
}

/** Puts on the record that a drain is near its deadline, and that it has passed, once each for a run. */
export async function recordLateDrain(ledger: Ledger, ref: DeployRef, states: readonly QueueState[]): Promise<void> {
  const taskQueues = states.filter(({ drained }) => !drained).map(({ taskQueue }) => taskQueue);
  if (!(await lateDrain(ledger, ledger.pool, ref, taskQueues))) return;
  await inTransaction(ledger, async (db) => {
    await db.query(
      'select from lockkeeper._deploys where namespace = $1 and environment = $2 and id = $3 and fencing_token = $4 for update',
      [ledger.namespace, ref.environment, ref.deploy, ref.token],
    );
    const detail = await lateDrain(ledger, db, ref, taskQueues);
    const { environment, deploy } = ref;
    if (detail) await addEvent(ledger, { environment, deploy, actor: 'lockkeeper', event: 'drainLate', detail }, db);
  });
}

/** What is to be put on the record now; undefined: nothing, or it is there. */
async function lateDrain(
  ledger: Ledger,
  db: Queryable,
  ref: DeployRef,
  taskQueues: readonly string[],
): Promise<LateDrain | undefined> {
  const { rows } = await db.query<{ plan: ResolvedPlan; begun: Date | null; now: Date; told: LateDrain[] }>(
    `select d.resolved_plan as plan, clock_timestamp() as now,
       (select min(g.changed_at) from lockkeeper._gates g
        where g.namespace = d.namespace and g.owner_deploy = d.id and g.owner_token = d.fencing_token) as begun,
       coalesce((select jsonb_agg(e.detail) from lockkeeper._events e where e.namespace = d.namespace
        and e.environment = d.environment and e.deploy = d.id and e.event = 'drainLate'
        and (e.detail ->> 'token')::bigint = d.fencing_token), '[]') as told
     from lockkeeper._deploys d
     where d.namespace = $1 and d.environment = $2 and d.id = $3 and d.fencing_token = $4 and d.code < $5`,
    [ledger.namespace, ref.environment, ref.deploy, ref.token, CODE.drained],
  );
  const [row] = rows;
  if (!row?.begun) return undefined;
  const { drain, participants } = row.plan;
  const waitsFor = taskQueues.length > 0 ? { taskQueues, participants: [] } : { taskQueues, participants };
  if (taskQueues.length === 0 && participants.length === 0) return undefined;
  const elapsed = row.now.getTime() - row.begun.getTime();
  const past = elapsed >= drain.deadlineMs;
  if (elapsed < drain.deadlineMs * DRAIN_NEARLY_LATE || row.told.some((told) => told.past || !past)) return undefined;
  const deadline = new Date(row.begun.getTime() + drain.deadlineMs).toISOString();
  return { token: ref.token, past, deadline, onTimeout: drain.onTimeout, ...waitsFor };
}
