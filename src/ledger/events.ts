import { storable } from '../storable.ts';
import type { Ledger, Queryable } from './pool.ts';

/** What happened to a deploy or gate; never changed afterwards. */
export interface LedgerEvent {
  readonly environment: string;
  readonly deploy?: string;
  readonly actor: string;
  readonly event: string;
  readonly detail?: object;
}

export async function addEvent(ledger: Ledger, e: LedgerEvent, db: Queryable = ledger.pool): Promise<void> {
  await db.query(
    'insert into lockkeeper._events (namespace, environment, deploy, actor, event, detail) values ($1, $2, $3, $4, $5, $6)',
    [
      ledger.namespace,
      e.environment,
      e.deploy ?? null,
      e.actor,
      e.event,
      JSON.stringify(e.detail ?? {}, (_, value: unknown) => (typeof value === 'string' ? storable(value) : value)),
    ],
  );
}
