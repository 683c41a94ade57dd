import type { Ledger } from './pool.ts';

/** A notice as the view `lockkeeper.notices` shows it. */
export interface NoticeRow {
  readonly id: string;
  readonly receiver: string;
  readonly event: string;
  /** The id of the job or deploy. */
  readonly subject: string;
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  /** When it happened. */
  readonly at: Date;
  /** When it is tried next, or, while it is being told, is free again. */
  readonly dueAt: Date;
  readonly endedAt: Date | null;
  readonly error: string | null;
}

/** The latest first. */
export async function listNotices(
  ledger: Ledger,
  environment: string,
  options: { readonly states: readonly NoticeRow['state'][]; readonly limit: number },
): Promise<NoticeRow[]> {
  const { rows } = await ledger.pool.query<NoticeRow>(
    `select id, receiver, event, subject, state, attempts, created_at as at, due_at as "dueAt", ended_at as "endedAt", error
     from lockkeeper.notices where namespace = $1 and environment = $2 and state = any($3)
     order by number desc limit $4`,
    [ledger.namespace, environment, options.states, options.limit],
  );
  return rows;
}

/** How many notices of the environment are in each state. */
export async function countNotices(ledger: Ledger, environment: string): Promise<Record<NoticeRow['state'], number>> {
  const { rows } = await ledger.pool.query<{ state: NoticeRow['state']; n: number }>(
    `select state, count(*)::integer as n from lockkeeper.notices where namespace = $1 and environment = $2 group by state`,
    [ledger.namespace, environment],
  );
  const counted = { pending: 0, delivered: 0, failed: 0 };
  for (const { state, n } of rows) counted[state] = n;
  return counted;
}
