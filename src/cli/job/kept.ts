import type { KeptCheckpoint } from '../../ledger/kept.ts';
import { formatTime } from '../table.ts';

/** A line for each checkpoint that a quarantined job could go on from. */
export function keptLines(kept: readonly KeptCheckpoint[]): string[] {
  if (kept.length === 0) return ['no checkpoint is kept'];
  return ['checkpoints that are kept:', ...kept.map((one) => `  ${describeKept(one)}`)];
}

function describeKept({
  seq,
  kind,
  stateVersion,
  buildId,
  keyId,
  at,
  found,
  why,
  repeatsEffects,
}: KeptCheckpoint): string {
  const what = kind === 'done' ? 'the result' : `state version ${stateVersion}`;
  const written = `${seq}: ${what}, by build ${buildId}, ${keyId === 'none' ? 'not encrypted' : `key ${keyId}`}, ${formatTime(at)}`;
  const state = { restorable: 'can be restored', unrestorable: why ?? 'cannot be restored', notTried: 'not looked at' }[
    found
  ];
  return `${written}; ${state}${repeatsEffects ? '; SQL committed after it would be done again' : ''}`;
}
