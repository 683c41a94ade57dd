import type { Ledger } from './pool.ts';

/** One line of the record. */
export interface EventRow {
  readonly at: Date;
  readonly actor: string;
  readonly event: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What happened to a deploy, and what held all deploys back between its request and its lock, in order. */
export async function readAudit(ledger: Ledger, environment: string, deploy: string): Promise<EventRow[]> {
  const { rows } = await ledger.pool.query<EventRow>(
    `select e.at, e.actor, e.event, e.detail from lockkeeper.events e
     join lockkeeper.deploys d on d.namespace = e.namespace and d.environment = e.environment and d.id = $3
     where e.namespace = $1 and e.environment = $2 and (e.deploy = $3 or (e.deploy is null
       and e.at between d.requested_at and coalesce(d.lock_granted_at, d.finished_at, now())))
     order by e.id`,
    [ledger.namespace, environment, deploy],
  );
  return rows;
}

/** What happened to a deploy, in order. */
export async function readEvents(ledger: Ledger, environment: string, deploy: string): Promise<EventRow[]> {
  const { rows } = await ledger.pool.query<EventRow>(
    `select at, actor, event, detail from lockkeeper.events
     where namespace = $1 and environment = $2 and deploy = $3 order by id`,
    [ledger.namespace, environment, deploy],
  );
  return rows;
}
