import { LockkeeperError } from '../errors.ts';
import { CODE } from '../protocol.ts';
import type { DeployRequest, DeployTicket, Outcome } from '../protocol.ts';
import { contentHash, readDeploy, ticketOf } from './deploys.ts';
import type { RawDeploy } from './deploys.ts';
import { addEvent } from './events.ts';
import { inTransaction } from './pool.ts';
import type { Ledger } from './pool.ts';

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
      throw conflict(first, request);
    }
    return ticketOf(first);
  });
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
      { next: row.outcome ? 'There is nothing to do' : `Abort it: \`lockkeeper deploy abort ${deploy} --reason …\`` },
    );
  }
  await addEvent(ledger, { environment, deploy, actor: by, event: 'withdrawn', detail: { reason } });
}
