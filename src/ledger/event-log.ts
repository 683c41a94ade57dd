import type { Ledger } from './pool.ts';

/** One line of the record. */
export interface EventRow {
  readonly at: Date;
  readonly actor: string;
  readonly event: string;
  readonly detail: Readonly<Record<string, unknown>>;
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
