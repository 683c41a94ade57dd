import { decide } from '../order/decide.ts';
import { isAnotherReason, waitingReason } from '../order/waiting-reason.ts';
import type { WaitingReason } from '../order/waiting-reason.ts';
import type { Freeze } from '../protocol.ts';
import { addEvent } from './events.ts';
import type { OpenDeployRow } from './open-deploys.ts';
import type { HeldOrder } from './order.ts';
import type { Ledger } from './pool.ts';

/**
 * Puts on the record what deploys wait for, once for each reason: that is what operators are told. `open`: all open deploys of
 * the environment as they are now. `only`: no other than this one.
 */
export async function recordWaiting(
  ledger: Ledger,
  { db, environment, now }: HeldOrder,
  open: readonly OpenDeployRow[],
  freeze: Freeze | undefined,
  only?: string,
): Promise<void> {
  const decision = decide(open, freeze, now);
  const waiting = decision.queued.flatMap(({ deploy }) => {
    const reason = only === undefined || only === deploy ? waitingReason(decision, freeze, deploy) : undefined;
    return reason ? [[deploy, reason] as const] : [];
  });
  if (waiting.length === 0) return;
  // One that has lost its place in the order waits for approval anew.
  const { rows } = await db.query<{ deploy: string; event: string; detail: WaitingReason }>(
    `select distinct on (deploy) deploy, event, detail from lockkeeper._events
     where namespace = $1 and environment = $2 and deploy = any($3) and event in ('waiting', 'orderLost')
     order by deploy, id desc`,
    [ledger.namespace, environment, waiting.map(([deploy]) => deploy)],
  );
  const told = new Map(rows.flatMap((row) => (row.event === 'waiting' ? [[row.deploy, row.detail] as const] : [])));
  for (const [deploy, reason] of waiting) {
    if (!isAnotherReason(told.get(deploy), reason)) continue;
    await addEvent(ledger, { environment, deploy, actor: 'lockkeeper', event: 'waiting', detail: reason }, db);
  }
}
