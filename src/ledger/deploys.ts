import { createHash } from 'node:crypto';
import { LockkeeperError } from '../errors.ts';
import { CODE } from '../protocol.ts';
import type { DeployRef, DeployRequest, DeployTicket, Direction, Outcome, ResolvedPlan } from '../protocol.ts';
import { inTransaction } from './pool.ts';
import type { Ledger } from './pool.ts';
import { addEvent } from './events.ts';

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
  readonly approvedAt: Date | undefined;
  readonly approvalOrder: number | undefined;
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

interface RawDeploy {
  id: string;
  environment: string;
  request: DeployRequest;
  request_hash: string;
  plan: string;
  resolved_plan: ResolvedPlan | null;
  requested_by: string;
  requested_at: Date;
  approved_at: Date | null;
  approval_order: string | null;
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

const deployRow = (r: RawDeploy): DeployRow => ({
  id: r.id,
  environment: r.environment,
  request: r.request,
  plan: r.plan,
  resolvedPlan: r.resolved_plan ?? undefined,
  requestedBy: r.requested_by,
  requestedAt: r.requested_at,
  approvedAt: r.approved_at ?? undefined,
  approvalOrder: numberOf(r.approval_order),
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

const ticketOf = (r: RawDeploy): DeployTicket => ({
  deploy: r.id,
  approvalOrder: Number(r.approval_order),
  code: r.code,
  ...(r.outcome && { outcome: r.outcome }),
});

/**
 * Writes a request down, approved, with its place in the order. The same request again gets its first ticket.
 * @throws {LockkeeperError} DEPLOY_CONFLICT when the id was used for another request
 */
export async function insertRequest(
  ledger: Ledger,
  environment: string,
  request: DeployRequest,
): Promise<DeployTicket> {
  const hash = contentHash(request);
  return inTransaction(ledger, async (client) => {
    const inserted = await client.query<RawDeploy>(
      `insert into lockkeeper._deploys
         (namespace, environment, id, request, request_hash, plan, requested_by, approved_at, approval_order, code)
       values ($1, $2, $3, $4, $5, $6, $7, now(), nextval('lockkeeper._approval_order'), $8)
       on conflict do nothing returning *`,
      [ledger.namespace, environment, request.id, request, hash, request.plan, request.requestedBy, CODE.approved],
    );
    const row = inserted.rows[0];
    if (row) {
      await addEvent(
        ledger,
        {
          environment,
          deploy: request.id,
          actor: request.requestedBy,
          event: 'requested',
          detail: { plan: request.plan },
        },
        client,
      );
      return ticketOf(row);
    }
    const { rows } = await client.query<RawDeploy>(
      'select * from lockkeeper._deploys where namespace = $1 and environment = $2 and id = $3',
      [ledger.namespace, environment, request.id],
    );
    const first = rows[0]!;
    if (first.request_hash !== hash) {
      throw new LockkeeperError(
        'DEPLOY_CONFLICT',
        `deploy ${request.id} was requested before with other contents, by ${first.requested_by}`,
        {
          next: 'Use a new id, for example with the CI run’s number in it',
        },
      );
    }
    return ticketOf(first);
  });
}

/** Approved deploys that have no outcome yet, in the order of their approval. */
export async function openDeploys(ledger: Ledger, environment: string): Promise<DeployRow[]> {
  const { rows } = await ledger.pool.query<RawDeploy>(
    `select * from lockkeeper._deploys
     where namespace = $1 and environment = $2 and approval_order is not null and outcome is null order by approval_order`,
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
export async function readDeploy(ledger: Ledger, environment: string, id: string): Promise<DeployRow> {
  const { rows } = await ledger.pool.query<RawDeploy>(
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

export interface Grant {
  readonly row: DeployRow;
  readonly plan: ResolvedPlan;
}

/**
 * Code 300: gives a run of a deploy its fencing token, higher than that of any run before. The first run writes down
 * the resolved plan; a later one goes on with that very plan.
 * @throws {LockkeeperError} DEPLOY_NOT_FOUND, DEPLOY_NOT_CURRENT when it has ended already, FENCED when a later run has it
 */
export async function grantLock(
  ledger: Ledger,
  environment: string,
  id: string,
  runId: string,
  resolve: (row: DeployRow) => ResolvedPlan,
): Promise<Grant> {
  const row = await readDeploy(ledger, environment, id);
  const plan = row.resolvedPlan ?? resolve(row);
  return inTransaction(ledger, async (client) => {
    const { rows } = await client.query<RawDeploy>(
      `update lockkeeper._deploys set
         fencing_token = case when run_ids[array_upper(run_ids, 1)] = $4 then fencing_token else nextval('lockkeeper._fencing_token') end,
         run_ids = case when run_ids[array_upper(run_ids, 1)] = $4 then run_ids else run_ids || $4::text end,
         code = greatest(code, $5), resolved_plan = $6, plan_hash = $7, lock_granted_at = coalesce(lock_granted_at, now())
       where namespace = $1 and environment = $2 and id = $3 and outcome is null
         and (run_ids[array_upper(run_ids, 1)] = $4 or not $4 = any(run_ids)) returning *`,
      [ledger.namespace, environment, id, runId, CODE.lockGranted, plan, contentHash(plan)],
    );
    if (!rows[0]) throw await refusedGrant(ledger, environment, id, runId);
    for (const [index, step] of plan.steps.entries()) {
      await client.query(
        `insert into lockkeeper._deploy_steps (namespace, environment, deploy, n, name, type)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
        [ledger.namespace, environment, id, index + 1, step.name, step.type],
      );
    }
    await addEvent(
      ledger,
      {
        environment,
        deploy: id,
        actor: 'lockkeeper',
        event: 'lockGranted',
        detail: { runId, token: Number(rows[0].fencing_token) },
      },
      client,
    );
    return { row: deployRow(rows[0]), plan };
  });
}

async function refusedGrant(ledger: Ledger, environment: string, id: string, runId: string): Promise<LockkeeperError> {
  const { outcome, runIds } = await readDeploy(ledger, environment, id);
  return outcome
    ? new LockkeeperError('DEPLOY_NOT_CURRENT', `deploy ${id} has ended already: ${outcome}`)
    : new LockkeeperError(
        'FENCED',
        `run ${runIds.at(-1)} of deploy ${id} took over: run ${runId} does not get the lock back`,
      );
}

/** Another run took over: this one may write nothing more about its deploy. */
export const fencedDeploy = (ref: DeployRef) =>
  new LockkeeperError(
    'FENCED',
    `a later run of deploy ${ref.deploy} holds the lock now: token ${ref.token} may not write any more`,
  );

/** The code only grows. @throws {LockkeeperError} FENCED */
export async function recordCode(ledger: Ledger, ref: DeployRef, code: number, direction: Direction): Promise<void> {
  const { rowCount } = await ledger.pool.query(
    `update lockkeeper._deploys set code = greatest(code, $5), direction = $6
     where namespace = $1 and environment = $2 and id = $3 and fencing_token = $4`,
    [ledger.namespace, ref.environment, ref.deploy, ref.token, code, direction],
  );
  if (rowCount !== 1) throw fencedDeploy(ref);
  await addEvent(ledger, {
    environment: ref.environment,
    deploy: ref.deploy,
    actor: 'lockkeeper',
    event: 'code',
    detail: { code, direction },
  });
}

/** Writes the outcome, once. `token` left out: whoever settles a deploy whose run is gone. */
export async function recordOutcome(
  ledger: Ledger,
  ref: { environment: string; deploy: string; token?: number },
  outcome: Outcome,
  reason: string | undefined,
): Promise<void> {
  const { rowCount } = await ledger.pool.query(
    `update lockkeeper._deploys set outcome = $5, outcome_reason = $6, finished_at = now(),
       code = case when $5 = 'succeeded' then $7 else code end
     where namespace = $1 and environment = $2 and id = $3 and ($4::bigint is null or fencing_token = $4) and outcome is null`,
    [ledger.namespace, ref.environment, ref.deploy, ref.token ?? null, outcome, reason ?? null, CODE.finished],
  );
  if (rowCount === 1) {
    await addEvent(ledger, {
      environment: ref.environment,
      deploy: ref.deploy,
      actor: 'lockkeeper',
      event: 'finished',
      detail: { outcome, reason },
    });
  }
}

/**
 * Takes back a deploy that has not been given the lock.
 * @throws {LockkeeperError} DEPLOY_NOT_FOUND, DEPLOY_NOT_CURRENT
 */
export async function withdraw(
  ledger: Ledger,
  environment: string,
  { deploy, reason, by }: { deploy: string; reason: string; by: string },
): Promise<void> {
  const { rowCount } = await ledger.pool.query(
    `update lockkeeper._deploys set outcome = 'aborted', outcome_reason = $4, finished_at = now()
     where namespace = $1 and environment = $2 and id = $3 and fencing_token is null and outcome is null`,
    [ledger.namespace, environment, deploy, `withdrawn by ${by}: ${reason}`],
  );
  if (rowCount !== 1) {
    const row = await readDeploy(ledger, environment, deploy);
    throw new LockkeeperError(
      'DEPLOY_NOT_CURRENT',
      `deploy ${deploy} cannot be withdrawn: it ${row.outcome ? `has ended, ${row.outcome}` : 'has begun'}`,
      { next: row.outcome ? 'There is nothing to do' : `Abort it: \`lockkeeper deploy abort ${deploy}\`` },
    );
  }
  await addEvent(ledger, { environment, deploy, actor: by, event: 'withdrawn', detail: { reason } });
}
