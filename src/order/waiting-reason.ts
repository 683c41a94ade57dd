import type { Freeze, WaitsFor } from '../protocol.ts';
import type { Decision } from './decide.ts';

/** The one thing that a deploy waits for, as it is told to people. Times are milliseconds since 1970. */
export type WaitingReason =
  WaitsFor | ({ readonly kind: 'freeze' } & Freeze) | { readonly kind: 'order'; readonly ahead: readonly string[] };

/** Why a deploy waits; undefined: it has its turn, or has ended. Pure. */
export function waitingReason(
  { turn, queued }: Decision,
  freeze: Freeze | undefined,
  deploy: string,
): WaitingReason | undefined {
  const place = queued.findIndex((q) => q.deploy === deploy);
  const waits = queued[place];
  if (!waits) return undefined;
  if (waits.waitsFor) return waits.waitsFor;
  if (freeze && !waits.throughFreeze) return { kind: 'freeze', ...freeze };
  const before = queued.slice(0, place).map((q) => q.deploy);
  return { kind: 'order', ahead: turn === undefined ? before : [turn, ...before] };
}

/** Whether people who were told of one reason are to hear of the other. Pure. */
export function isAnotherReason(told: WaitingReason | undefined, now: WaitingReason): boolean {
  if (told?.kind !== now.kind) return true;
  switch (now.kind) {
    case 'approval':
      return false;
    // That one of those ahead has ended, or another has gone before, is no news.
    case 'order':
      return false;
    case 'schedule':
      return (told as typeof now).at !== now.at;
    case 'freeze':
      return (told as typeof now).since !== now.since;
  }
}
