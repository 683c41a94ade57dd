import { createHash } from 'node:crypto';
import { LockkeeperError } from '../errors.ts';
import type { ApprovalPolicy, DeployRequest, Direction, Outcome, ResolvedPlan } from '../protocol.ts';
import type { Ledger, Queryable } from './pool.ts';

/** One form for equal contents: keys sorted, so that the same request has the same hash. */
export function contentHash(value: unknown): string {
  const sorted = (v: unknown): unknown =>
    Array.isArray(v)
      ? v.map(sorted)
      : typeof v === 'object' && v !== null
        ? Object.fromEntries(
            Object.entries(v)
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([k, x]) => [k, sorted(x)]),
          )
        : v;
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex');
}

export interface DeployRow {
  readonly id: string;
  readonly environment: string;
  readonly request: DeployRequest;
  readonly plan: string;
  readonly resolvedPlan: ResolvedPlan | undefined;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly policy: ApprovalPolicy;
  readonly approvedAt: Date | undefined;
  readonly approvalOrder: number | undefined;
  readonly scheduledFor: Date | undefined;
  readonly expeditedOrder: number | undefined;
  readonly throughFreeze: boolean;
  readonly turnAt: Date | undefined;
  readonly code: number;
  readonly direction: Direction;
  readonly outcome: Outcome | undefined;
  readonly outcomeReason: string | undefined;
  readonly token: number | undefined;
  readonly runIds: readonly string[];
  readonly lockGrantedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
  readonly archived: boolean;
}

/** A row as Postgres gives it. */
export interface RawDeploy {
  id: string;
  environment: string;
  request: DeployRequest;
  request_hash: string;
  plan: string;
  resolved_plan: ResolvedPlan | null;
  requested_by: string;
  requested_at: Date;
  approval_policy: ApprovalPolicy;
  approved_at: Date | null;
  approval_order: string | null;
  scheduled_for: Date | null;
  expedited_order: string | null;
  through_freeze: boolean;
  turn_at: Date | null;
  code: number;
  direction: Direction;
  outcome: Outcome | null;
  outcome_reason: string | null;
  fencing_token: string | null;
  run_ids: string[];
  lock_granted_at: Date | null;
  finished_at: Date | null;
  archived: boolean;
}

const numberOf = (value: string | null) => (value === null ? undefined : Number(value));

export const deployRow = (r: RawDeploy): DeployRow => ({
  id: r.id,
  environment: r.environment,
  request: r.request,
  plan: r.plan,
  resolvedPlan: r.resolved_plan ?? undefined,
  requestedBy: r.requested_by,
  requestedAt: r.requested_at,
  policy: r.approval_policy,
  approvedAt: r.approved_at ?? undefined,
  approvalOrder: numberOf(r.approval_order),
  scheduledFor: r.scheduled_for ?? undefined,
  expeditedOrder: numberOf(r.expedited_order),
  throughFreeze: r.through_freeze,
  turnAt: r.turn_at ?? undefined,
  code: r.code,
  direction: r.direction,
  outcome: r.outcome ?? undefined,
  outcomeReason: r.outcome_reason ?? undefined,
  token: numberOf(r.fencing_token),
  runIds: r.run_ids,
  lockGrantedAt: r.lock_granted_at ?? undefined,
  finishedAt: r.finished_at ?? undefined,
  archived: r.archived,
});

/** Deploys that have no outcome yet: the one that has its turn, those that wait in their order, those that are not approved. */
export async function openDeploys(ledger: Ledger, environment: string): Promise<DeployRow[]> {
  const { rows } = await ledger.pool.query<RawDeploy>(
    `select * from lockkeeper._deploys where namespace = $1 and environment = $2 and outcome is null
     order by turn_at nulls last, expedited_order nulls last, approval_order nulls last, requested_at`,
    [ledger.namespace, environment],
  );
  return rows.map(deployRow);
}

export async function listDeploys(ledger: Ledger, environment: string, limit: number): Promise<DeployRow[]> {
  const { rows } = await ledger.pool.query<RawDeploy>(
    `select * from lockkeeper._deploys where namespace = $1 and environment = $2 order by requested_at desc limit $3`,
    [ledger.namespace, environment, limit],
  );
  return rows.map(deployRow);
}

/** @throws {LockkeeperError} DEPLOY_NOT_FOUND */
export async function readDeploy(
  ledger: Ledger,
  environment: string,
  id: string,
  db: Queryable = ledger.pool,
): Promise<DeployRow> {
  const { rows } = await db.query<RawDeploy>(
    'select * from lockkeeper._deploys where namespace = $1 and environment = $2 and id = $3',
    [ledger.namespace, environment, id],
  );
  if (!rows[0]) {
    throw new LockkeeperError('DEPLOY_NOT_FOUND', `environment ${environment} has no deploy ${id}`, {
      next: 'See `lockkeeper deploy list`',
    });
  }
  return deployRow(rows[0]);
}
