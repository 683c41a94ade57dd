import { LockkeeperError } from '../errors.ts';
import { refuseApproval, samePerson, standing } from '../order/approvals.ts';
import type { DeployAct, DeployTicket, FreezeAct, FreezeAnswer, Freeze } from '../protocol.ts';
import { ticketNow } from './deploy-requests.ts';
import { readDeploy } from './deploys.ts';
import { addEvent } from './events.ts';
import { readOpenDeploys } from './open-deploys.ts';
import type { OpenDeployRow } from './open-deploys.ts';
import { freezeAt, inOrder } from './order.ts';
import type { HeldOrder } from './order.ts';
import type { Ledger } from './pool.ts';
import { recordWaiting } from './waiting-record.ts';

/**
 * Writes down what a person says about a deploy that waits, and what follows from it.
 * @throws {LockkeeperError} DEPLOY_NOT_FOUND, DEPLOY_NOT_CURRENT when its turn has come, APPROVAL_REFUSED, DEPLOY_NOT_APPROVED
 */
export async function actOnDeploy(ledger: Ledger, environment: string, act: DeployAct): Promise<DeployTicket> {
  return inOrder(ledger, environment, async (order) => {
    const deploy = await waitingDeploy(ledger, order, act);
    switch (act.act) {
      case 'approve':
        await approve(ledger, order, deploy, act);
        break;
      case 'revoke':
        await revoke(ledger, order, deploy, act);
        break;
      case 'expedite':
        await expedite(ledger, order, deploy, act);
        break;
    }
    return ticketNow(ledger, order, deploy.id);
  });
}

type Act<K extends DeployAct['act']> = Extract<DeployAct, { act: K }>;

/** What cannot be said any more once nothing holds a deploy back. */
const TOO_LATE: Record<DeployAct['act'], string> = {
  approve: 'cannot be approved any more',
  revoke: 'has its approvals for good',
  expedite: 'cannot be expedited any more',
};

async function waitingDeploy(ledger: Ledger, { db, environment }: HeldOrder, act: DeployAct): Promise<OpenDeployRow> {
  const { outcome } = await readDeploy(ledger, environment, act.deploy, db);
  const [deploy] = await readOpenDeploys(ledger, environment, db, act.deploy);
  if (deploy && deploy.turnAt === undefined) return deploy;
  // What is done already may be said again: an activity is, when its answer was lost.
  if (deploy && act.act === 'expedite' && isExpedited(deploy, act)) return deploy;
  throw new LockkeeperError(
    'DEPLOY_NOT_CURRENT',
    `deploy ${act.deploy} ${TOO_LATE[act.act]}: ${outcome ? `it has ended, ${outcome}` : 'its turn has come'}`,
    { next: outcome ? 'There is nothing to do' : `To end it: \`lockkeeper deploy abort ${act.deploy} --reason …\`` },
  );
}

async function approve(ledger: Ledger, order: HeldOrder, deploy: OpenDeployRow, act: Act<'approve'>): Promise<void> {
  const refused = refuseApproval(deploy, act.by);
  if (refused !== undefined) {
    throw new LockkeeperError('APPROVAL_REFUSED', `deploy ${deploy.id} is not approved by ${act.by}: ${refused}`, {
      next: `See who is asked with \`lockkeeper deploy show ${deploy.id}\``,
    });
  }
  // Said twice, it counts once, and from the first time on.
  if (standing(deploy, order.now).by.some((person) => samePerson(person, act.by))) return;
  await line(ledger, order, act);
  await record(ledger, order, act, 'approved', {});
}

async function revoke(ledger: Ledger, order: HeldOrder, deploy: OpenDeployRow, act: Act<'revoke'>): Promise<void> {
  const { by } = standing(deploy, order.now);
  if (!by.some((person) => samePerson(person, act.by))) {
    throw new LockkeeperError('APPROVAL_REFUSED', `${act.by} has not approved deploy ${deploy.id}`, {
      next:
        by.length === 0
          ? `To take the deploy back: \`lockkeeper deploy abort ${deploy.id} --reason …\``
          : `It is approved by ${by.join(', ')}; one takes back one's own approval only`,
    });
  }
  await line(ledger, order, act);
  await record(ledger, order, act, 'approvalRevoked', {});
}

const isExpedited = (deploy: OpenDeployRow, { throughFreeze }: Act<'expedite'>): boolean =>
  deploy.expeditedOrder !== undefined && (deploy.throughFreeze || throughFreeze !== true);

async function expedite(ledger: Ledger, order: HeldOrder, deploy: OpenDeployRow, act: Act<'expedite'>): Promise<void> {
  if (!standing(deploy, order.now).enough) {
    throw new LockkeeperError('DEPLOY_NOT_APPROVED', `deploy ${deploy.id} has no place in the order to be changed`, {
      next: `It is to be approved first: \`lockkeeper deploy approve ${deploy.id}\``,
    });
  }
  if (deploy.turnAt !== undefined) return;
  const throughFreeze = act.throughFreeze === true;
  // Who is expedited already keeps the place; it may be let through a freeze only now.
  await order.db.query(
    `update lockkeeper._deploys set expedited_order = coalesce(expedited_order, nextval('lockkeeper._approval_order')),
       through_freeze = through_freeze or $4
     where namespace = $1 and environment = $2 and id = $3`,
    [ledger.namespace, order.environment, deploy.id, throughFreeze],
  );
  await record(ledger, order, act, 'expedited', throughFreeze ? { throughFreeze } : {});
}

const line = (ledger: Ledger, { db, environment }: HeldOrder, { act, deploy, by, reason }: DeployAct) =>
  db.query(
    `insert into lockkeeper._approvals (namespace, environment, deploy, person, act, reason) values ($1, $2, $3, $4, $5, $6)`,
    [ledger.namespace, environment, deploy, by, act, reason ?? null],
  );

const record = (
  ledger: Ledger,
  { db, environment }: HeldOrder,
  { deploy, by, reason }: DeployAct,
  event: string,
  detail: object,
) =>
  addEvent(
    ledger,
    { environment, deploy, actor: by, event, detail: { ...(reason !== undefined && { reason }), ...detail } },
    db,
  );

/** Begins or ends a freeze by hand. @throws {LockkeeperError} DEPLOY_INVALID for an end that is over */
export async function actOnFreeze(ledger: Ledger, environment: string, act: FreezeAct): Promise<FreezeAnswer> {
  return inOrder(ledger, environment, async (order) => {
    const { db, now } = order;
    const before = freezeAt({ ...order.freezes, window: undefined }, now);
    const byHand = act.act === 'freeze' ? frozenBy(act, before, now) : undefined;
    const freeze = freezeAt({ ...order.freezes, byHand }, now);
    const answer = { ...(freeze && { freeze }), changed: before !== undefined || byHand !== undefined };
    if (!answer.changed) return answer;
    await db.query('update lockkeeper._environments set frozen = $3 where namespace = $1 and environment = $2', [
      ledger.namespace,
      environment,
      byHand ?? null,
    ]);
    const { by: actor, reason } = act;
    const until = act.act === 'freeze' && act.until !== undefined ? { until: act.until } : {};
    const event = act.act === 'freeze' ? 'frozen' : 'unfrozen';
    await addEvent(ledger, { environment, actor, event, detail: { reason, ...until } }, db);
    await recordWaiting(ledger, order, await readOpenDeploys(ledger, environment, db), freeze);
    return answer;
  });
}

function frozenBy(
  { by, reason, until }: Extract<FreezeAct, { act: 'freeze' }>,
  before: Freeze | undefined,
  now: number,
): Freeze {
  const end = until === undefined ? undefined : Date.parse(until);
  if (end !== undefined && end <= now) {
    throw new LockkeeperError(
      'DEPLOY_INVALID',
      `a freeze until ${until} would be over: it is ${new Date(now).toISOString()}`,
    );
  }
  return { reason, by, since: before?.since ?? now, ...(end !== undefined && { until: end }) };
}
