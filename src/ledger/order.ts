import { decide, queuedDeploy } from '../order/decide.ts';
import type { Decision } from '../order/decide.ts';
import { standing } from '../order/approvals.ts';
import { byOrder } from '../protocol.ts';
import type { CoordinatorStatus, Freeze } from '../protocol.ts';
import type { DeployRow } from './deploys.ts';
import { addEvent } from './events.ts';
import { readOpenDeploys } from './open-deploys.ts';
import type { OpenDeployRow } from './open-deploys.ts';
import { inTransaction } from './pool.ts';
import type { Ledger, Queryable } from './pool.ts';
import { recordWaiting } from './waiting-record.ts';

/** The order of an environment, held by the one who reads it: nobody else changes it meanwhile. */
export interface HeldOrder {
  readonly db: Queryable;
  readonly environment: string;
  /** Milliseconds since 1970, by the ledger's clock. */
  readonly now: number;
  readonly freezes: Freezes;
}

export interface Freezes {
  readonly byHand: Freeze | undefined;
  /** As the deploy worker last saw it. */
  readonly window: Freeze | undefined;
}

/** Runs `body` while nobody else changes the order of the environment: numbers are committed as they are given. */
export async function inOrder<T>(
  ledger: Ledger,
  environment: string,
  body: (order: HeldOrder) => Promise<T>,
): Promise<T> {
  return inTransaction(ledger, async (db) => {
    const key = [ledger.namespace, environment];
    await db.query(
      'insert into lockkeeper._environments (namespace, environment) values ($1, $2) on conflict do nothing',
      key,
    );
    await db.query('select from lockkeeper._environments where namespace = $1 and environment = $2 for update', key);
    return body({ db, environment, ...(await readFreezes(ledger, environment, db)) });
  });
}

/** What freezes an environment, and what time it is. */
export async function readFreezes(
  ledger: Ledger,
  environment: string,
  db: Queryable = ledger.pool,
): Promise<Pick<HeldOrder, 'now' | 'freezes'>> {
  const { rows } = await db.query<{ now: Date; frozen: Freeze | null; freeze_window: Freeze | null }>(
    `select clock_timestamp() as now, e.frozen, e.freeze_window from (select) as always
     left join lockkeeper._environments e on e.namespace = $1 and e.environment = $2`,
    [ledger.namespace, environment],
  );
  const { now, frozen, freeze_window } = rows[0]!;
  return { now: now.getTime(), freezes: { byHand: frozen ?? undefined, window: freeze_window ?? undefined } };
}

/** The freeze in force; of two the one that ends last. Pure. */
export function freezeAt({ byHand, window }: Freezes, now: number): Freeze | undefined {
  const ends = (freeze: Freeze) => freeze.until ?? Infinity;
  return [byHand, window]
    .filter((freeze) => freeze !== undefined)
    .filter((freeze) => ends(freeze) > now)
    .sort((a, b) => ends(b) - ends(a))
    .at(0);
}

/** The order as it is; nothing is changed, and nobody is kept from changing it. */
export async function readOrder(ledger: Ledger, environment: string): Promise<Order> {
  const { now, freezes } = await readFreezes(ledger, environment);
  const freeze = freezeAt(freezes, now);
  const rows = await readOpenDeploys(ledger, environment);
  // Whoever only looks gives no turn.
  const holder = rows.find((row) => row.turnAt !== undefined);
  const others = rows.filter((row) => row !== holder).map((row) => queuedDeploy(row, now));
  return {
    queued: others.sort(byOrder),
    ...(holder && { running: holder.id, holder: holder.row }),
    ...(freeze && { freeze }),
  };
}

/** The order for those who look on. */
export interface Order extends Pick<CoordinatorStatus, 'queued' | 'running' | 'freeze'> {
  /** The deploy that has the lock, or is about to get it. */
  readonly holder?: DeployRow;
}

/** Gives the turn to whom it belongs, and keeps it there until that deploy has ended. */
export async function giveTurn(
  ledger: Ledger,
  environment: string,
  windowAt: (now: number) => Freeze | undefined,
): Promise<Decision & { readonly now: number; readonly freeze: Freeze | undefined; readonly row?: OpenDeployRow }> {
  return inOrder(ledger, environment, async (order) => {
    const { db, now } = order;
    const window = windowAt(now);
    await db.query('update lockkeeper._environments set freeze_window = $3 where namespace = $1 and environment = $2', [
      ledger.namespace,
      environment,
      window ?? null,
    ]);
    const freeze = freezeAt({ ...order.freezes, window }, now);
    const rows = [];
    for (const row of await readOpenDeploys(ledger, environment, db))
      rows.push(await settleApprovals(ledger, order, row));
    const decision = decide(rows, freeze, now);
    await recordWaiting(ledger, order, rows, freeze);
    const row = rows.find(({ id }) => id === decision.turn);
    if (row && row.turnAt === undefined) {
      await db.query(
        `update lockkeeper._deploys set turn_at = to_timestamp($4 / 1000.0)
         where namespace = $1 and environment = $2 and id = $3 and outcome is null`,
        [ledger.namespace, environment, row.id, now],
      );
    }
    return { ...decision, now, freeze, ...(row && { row }) };
  });
}

/**
 * Writes down what follows from the approvals of a deploy: those whose time is over, that it has its place in the order, or has
 * lost it. One whose turn has come is left as it is.
 */
export async function settleApprovals(ledger: Ledger, order: HeldOrder, row: OpenDeployRow): Promise<OpenDeployRow> {
  if (row.turnAt !== undefined) return row;
  const { db, environment, now } = order;
  const key = [ledger.namespace, environment, row.id];
  const event = (name: string, detail: object) =>
    addEvent(ledger, { environment, deploy: row.id, actor: 'lockkeeper', event: name, detail }, db);
  const { by, expired, enough } = standing(row, now);
  for (const person of expired) {
    await db.query(
      `insert into lockkeeper._approvals (namespace, environment, deploy, person, act) values ($1, $2, $3, $4, 'expire')`,
      [...key, person],
    );
    await event('approvalExpired', { person });
  }
  if (enough === (row.approvalOrder !== undefined)) return row;
  const { rows } = await db.query<{ approval_order: string | null }>(
    enough
      ? `update lockkeeper._deploys set code = 200, approved_at = clock_timestamp(),
           approval_order = nextval('lockkeeper._approval_order')
         where namespace = $1 and environment = $2 and id = $3 and outcome is null returning approval_order`
      : `update lockkeeper._deploys set code = 100, approved_at = null, approval_order = null,
           expedited_order = null, through_freeze = false
         where namespace = $1 and environment = $2 and id = $3 and outcome is null returning approval_order`,
    key,
  );
  if (!rows[0]) return row;
  const approvalOrder = rows[0].approval_order === null ? undefined : Number(rows[0].approval_order);
  await event(enough ? 'inOrder' : 'orderLost', enough ? { approvalOrder, by } : { by, needed: row.policy.count });
  return enough
    ? { ...row, approvalOrder }
    : { ...row, approvalOrder, expeditedOrder: undefined, throughFreeze: false };
}
