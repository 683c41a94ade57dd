import type { EndedClaim } from './claims.ts';
import { claimRow, CLAIM_COLUMNS, sessionName } from './claims.ts';
import type { ClaimRow, RawClaim } from './claims.ts';
import type { Queryable } from './pool.ts';
import { watchSessionName, workerSessionName } from './workers.ts';

/** A worker that has not said that it stopped and does not hold its session lock. */
export interface MissingWorker {
  readonly id: string;
  readonly kind: 'worker' | 'deploy-worker';
  readonly host: string;
  readonly pid: number;
  /** Another connection of it is there: its process may well live. */
  readonly connected: boolean;
}

export async function missingWorkers(db: Queryable): Promise<MissingWorker[]> {
  const { rows } = await db.query<MissingWorker>({
    name: 'missing_workers',
    text: `select w.id, w.kind, w.host, w.pid, exists (
        select from pg_stat_activity a where a.datname = current_database() and a.application_name in (
          select unnest(array['${workerSessionName('')}' || w.id, '${watchSessionName('')}' || w.id])
          union all
          select '${sessionName('')}' || c.claim from lockkeeper._claims c where c.worker = w.id and c.state = 'running')
      ) as connected
      from lockkeeper._workers w
      where w.stopped_at is null and w.session_lock not in (select l.session_lock from lockkeeper._session_locks l)`,
  });
  return rows;
}

export interface GoneWorker {
  /** How many slices it had. */
  readonly slices: number;
  readonly drained: readonly NonNullable<EndedClaim['drained']>[];
  /** Logins whose database sessions are still there, because nobody here may end them. */
  readonly sessionsLeft?: readonly string[];
}

/** Ends all claims of a worker that is gone. Undefined: it is back, or was declared gone before. */
export async function declareGone(db: Queryable, worker: string, reason: string): Promise<GoneWorker | undefined> {
  // A server process that still works on a query for it has not noticed yet, and holds the job's row.
  const left = await db.query<{ login: string }>(
    `select distinct lockkeeper.end_sessions(c.claim) as login from lockkeeper._claims c
     where c.worker = $1 and c.state in ('running', 'fenced')`,
    [worker],
  );
  const { rows } = await db.query<GoneWorker>('select * from lockkeeper.worker_gone($1, $2)', [worker, reason]);
  const sessionsLeft = left.rows.map((row) => row.login);
  return rows[0] && { ...rows[0], ...(sessionsLeft.length > 0 && { sessionsLeft }) };
}

/** Slices of workers that are gone, of which the server has yet to hear that they are over. */
export async function owedClaims(db: Queryable, namespace: string): Promise<ClaimRow[]> {
  const { rows } = await db.query<RawClaim>({
    name: 'owed_claims',
    text: `select ${CLAIM_COLUMNS} from lockkeeper._claims c
      left join lockkeeper._jobs j on j.key = c.key and j.claim = c.claim where c.namespace = $1 and c.owed`,
    values: [namespace],
  });
  return rows.map(claimRow);
}

export async function markTold(db: Queryable, claim: string): Promise<void> {
  await db.query('update lockkeeper._claims set owed = false where claim = $1', [claim]);
}
