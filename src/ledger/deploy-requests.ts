import { LockkeeperError } from '../errors.ts';
import { CODE } from '../protocol.ts';
import type { ApprovalPolicy, DeployRequest, DeployTicket, Outcome } from '../protocol.ts';
import { queuedDeploy } from '../order/decide.ts';
import { contentHash, readDeploy } from './deploys.ts';
import type { RawDeploy } from './deploys.ts';
import { addEvent } from './events.ts';
import { readOpenDeploys } from './open-deploys.ts';
import { freezeAt, inOrder, settleApprovals } from './order.ts';
import type { HeldOrder } from './order.ts';
import { inTransaction } from './pool.ts';
import type { Ledger } from './pool.ts';
import { recordWaiting } from './waiting-record.ts';

/** Approved when it is asked for. */
const NO_APPROVAL: ApprovalPolicy = { count: 0, notRequester: false, expireAfterMs: 0 };

/**
 * Writes a request down, with its place in the order unless people must approve it first. The same request again gets its
 * ticket as it is now.
 * @throws {LockkeeperError} DEPLOY_CONFLICT when the id was used for another request, DEPLOY_INVALID for a time that cannot be meant
 */
export async function insertRequest(
  ledger: Ledger,
  environment: string,
  asked: DeployRequest,
  policy = NO_APPROVAL,
): Promise<DeployTicket> {
  const request = normalised(asked);
  const hash = contentHash(request);
  return inOrder(ledger, environment, async (order) => {
    const { db, now } = order;
    const key = [ledger.namespace, environment, request.id];
    const found = await db.query<RawDeploy>(
      'select * from lockkeeper._deploys where namespace = $1 and environment = $2 and id = $3',
      key,
    );
    const first = found.rows[0];
    if (first) {
      if (first.request_hash !== hash) throw conflict(first, request);
      return ticketNow(ledger, order, first.id);
    }
    const refused = refuseTime(request, now);
    if (refused !== undefined) throw new LockkeeperError('DEPLOY_INVALID', refused);
    await db.query(
      `insert into lockkeeper._deploys
         (namespace, environment, id, request, request_hash, plan, requested_by, scheduled_for, approval_policy, code)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [...key, request, hash, request.plan, request.requestedBy, request.scheduledFor ?? null, policy, CODE.requested],
    );
    const { plan, scheduledFor, requestedBy: actor } = request;
    const detail = { plan, ...(scheduledFor !== undefined && { scheduledFor }) };
    await addEvent(ledger, { environment, deploy: request.id, actor, event: 'requested', detail }, db);
    return ticketNow(ledger, order, request.id);
  });
}

/** The same moment is the same content, however it is written. */
const normalised = ({ scheduledFor, ...request }: DeployRequest): DeployRequest => ({
  ...request,
  ...(scheduledFor !== undefined && { scheduledFor: new Date(scheduledFor).toISOString() }),
});

/** A request that was on its way for a while may come after its time, milliseconds. */
const LATE_AT_MOST = 10 * 60_000;
/** Further away it is a slip of the fingers. */
const EARLY_AT_MOST = 366 * 86_400_000;

function refuseTime({ scheduledFor }: DeployRequest, now: number): string | undefined {
  if (scheduledFor === undefined) return undefined;
  const away = Date.parse(scheduledFor) - now;
  if (away < -LATE_AT_MOST) return `scheduledFor ${scheduledFor} is in the past: it is ${new Date(now).toISOString()}`;
  if (away > EARLY_AT_MOST) return `scheduledFor ${scheduledFor} is more than a year away`;
  return undefined;
}

/** A deploy as it stands now, with what follows from its approvals written down. */
export async function ticketNow(ledger: Ledger, order: HeldOrder, id: string): Promise<DeployTicket> {
  const [open] = await readOpenDeploys(ledger, order.environment, order.db, id);
  if (!open) {
    const { code, outcome, outcomeReason, approvalOrder } = await readDeploy(ledger, order.environment, id, order.db);
    return {
      deploy: id,
      code,
      ...(approvalOrder !== undefined && { approvalOrder }),
      ...(outcome && { outcome }),
      ...(outcomeReason !== undefined && { reason: outcomeReason }),
    };
  }
  await settleApprovals(ledger, order, open);
  const all = await readOpenDeploys(ledger, order.environment, order.db);
  await recordWaiting(ledger, order, all, freezeAt(order.freezes, order.now), id);
  const settled = all.find((deploy) => deploy.id === id);
  return { ...queuedDeploy(settled!, order.now), code: settled!.row.code };
}

function conflict(first: RawDeploy, request: DeployRequest): LockkeeperError {
  const names = [...new Set([...Object.keys(first.request), ...Object.keys(request)])] as (keyof DeployRequest)[];
  const other = names.filter((name) => contentHash(first.request[name] ?? null) !== contentHash(request[name] ?? null));
  const now = first.outcome ? `has ${ENDED[first.outcome]}` : first.lock_granted_at ? 'is under way' : 'waits its turn';
  return new LockkeeperError(
    'DEPLOY_CONFLICT',
    `deploy ${request.id} was requested before with another ${other.join(', ')}, by ${first.requested_by} at ${first.requested_at.toISOString()}, and ${now}`,
    {
      next: `See it with \`lockkeeper deploy show ${request.id}\`; for another deploy use a new id, for example with the CI run's number in it`,
    },
  );
}

const ENDED: Record<Outcome, string> = {
  succeeded: 'succeeded',
  failed: 'failed',
  rolledBack: 'been rolled back',
  aborted: 'been aborted',
};

/**
 * Takes back a deploy that has not been given the lock.
 * @throws {LockkeeperError} DEPLOY_NOT_FOUND, DEPLOY_NOT_CURRENT
 */
export async function withdraw(
  ledger: Ledger,
  environment: string,
  { deploy, reason, by }: { deploy: string; reason: string; by: string },
): Promise<void> {
  const withdrawn = await inTransaction(ledger, async (db) => {
    const { rowCount } = await db.query(
      `update lockkeeper._deploys set outcome = 'aborted', outcome_reason = $4, finished_at = now()
       where namespace = $1 and environment = $2 and id = $3 and fencing_token is null and outcome is null`,
      [ledger.namespace, environment, deploy, `withdrawn by ${by}: ${reason}`],
    );
    if (rowCount === 1)
      await addEvent(ledger, { environment, deploy, actor: by, event: 'withdrawn', detail: { reason } }, db);
    return rowCount === 1;
  });
  if (!withdrawn) {
    const row = await readDeploy(ledger, environment, deploy);
    throw new LockkeeperError(
      'DEPLOY_NOT_CURRENT',
      `deploy ${deploy} cannot be withdrawn: it ${row.outcome ? `has ended, ${row.outcome}` : 'has begun'}`,
      { next: row.outcome ? 'There is nothing to do' : `Abort it: \`lockkeeper deploy abort ${deploy} --reason …\`` },
    );
  }
}
