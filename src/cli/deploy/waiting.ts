import type { LockHolder, Waiting } from '../../client/deploy-client.ts';
import type { Freeze, WaitsFor } from '../../protocol.ts';
import { formatTime } from '../table.ts';

/** Where a deploy stands among those that wait. */
export type Waits = Omit<Waiting, 'holder'>;

const at = (ms: number) => formatTime(new Date(ms))!;

/** In a few words, for a table. */
export function describeWaits({ ahead, waitsFor, freeze }: Waits): string {
  if (waitsFor) return describeWaitsFor(waitsFor);
  const order = ahead.length === 0 ? 'next in line' : `waits for ${ahead.join(', ')}`;
  return freeze ? `${order}; ${describeFreeze(freeze)}` : order;
}

function describeWaitsFor(waitsFor: WaitsFor): string {
  if (waitsFor.kind === 'schedule') return `scheduled for ${at(waitsFor.at)}`;
  const { by, needed } = waitsFor;
  return `waits for approval: ${by.length} of ${needed}${by.length > 0 ? ` (${by.join(', ')})` : ''}`;
}

/** `frozen by ann since 2026-02-03 04:05:06Z until 2026-02-04 04:05:06Z: month's end` */
export function describeFreeze({ by, since, until, reason }: Freeze): string {
  const who = by === undefined ? 'by a window of lockkeeper.yaml' : `by ${by}`;
  return `frozen ${who} since ${at(since)}${until === undefined ? '' : ` until ${at(until)}`}: ${reason}`;
}

/** What a deploy waits for, each on a line, and what to type about it. */
export function waitingLines(id: string, { ahead, holder, waitsFor, freeze }: Waiting): string[] {
  if (waitsFor?.kind === 'approval') return approvalLines(id, waitsFor);
  const first = waitsFor ? [`Scheduled for ${at(waitsFor.at)}`] : aheadLines(ahead, holder);
  return freeze ? [...first, ...freezeLines(id, freeze)] : first;
}

function approvalLines(id: string, waitsFor: Extract<WaitsFor, { kind: 'approval' }>): string[] {
  const { by, needed, allowed } = waitsFor;
  const who = allowed ? allowed.filter((name) => !by.includes(name)).join(', ') : 'anybody';
  const except = waitsFor.notRequester ? ' but the one who asked for it' : '';
  return [
    `Waiting for approval: ${by.length} of ${needed}${by.length > 0 ? ` (${by.join(', ')})` : ''}; ${who} may approve it${except}`,
    `Approve it with \`lockkeeper deploy approve ${id}\`, take it back with \`lockkeeper deploy abort ${id} --reason …\``,
  ];
}

/** Whom it waits for, since when that holds the lock, and what to type about it. */
function aheadLines(ahead: readonly string[], holder: LockHolder | undefined): string[] {
  const [first] = ahead;
  if (first === undefined) return ['Next in line'];
  const line = `Waiting for ${ahead.length === 1 ? 'deploy' : 'deploys'} ${ahead.join(', ')}`;
  if (!holder) return [line];
  return [
    ahead.length === 1 ? `Waiting for ${describeLockHolder(holder)}` : `${line}; ${describeLockHolder(holder)}`,
    `See it with \`lockkeeper deploy show ${first}\`, end it with \`lockkeeper deploy abort ${first} --reason …\``,
  ];
}

/** `deploy v41 of 4.1, plan release, by ann, runs since 2026-02-03 04:05:06Z` */
export const describeLockHolder = ({ deploy, since, summary }: LockHolder): string =>
  `${summary ?? `deploy ${deploy}`}, runs since ${formatTime(since)}`;

function freezeLines(id: string, freeze: Freeze): string[] {
  const text = describeFreeze(freeze);
  const past = `\`lockkeeper deploy expedite ${id} --through-freeze --reason …\``;
  return [
    `${text.charAt(0).toUpperCase()}${text.slice(1)}`,
    freeze.by === undefined
      ? `Let this one through with ${past}`
      : `End it with \`lockkeeper unfreeze --reason …\`, or let this one through with ${past}`,
  ];
}
