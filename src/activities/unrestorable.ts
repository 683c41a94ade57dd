import type { JobSeal } from '../crypto/job-seal.ts';
import { UNREADABLE_PATIENCE } from '../defaults.ts';
import type { AnyJob } from '../jobs/define-job.ts';
import { forLedger, spoken } from '../jobs/reason.ts';
import type { Reason } from '../jobs/reason.ts';
import { fallBack } from '../jobs/unrestorable.ts';
import { keptCheckpoints } from '../ledger/checkpoints.ts';
import { cannotRestore } from '../ledger/unrestorable.ts';
import type { Unrestorable } from '../ledger/unrestorable.ts';
import type { SliceInput, SliceOutcome } from '../protocol.ts';
import type { SliceDependencies } from './slice-dependencies.ts';

export interface UnrestorableJob {
  readonly definition: AnyJob;
  readonly key: string;
  /** Undefined: the job is done, and its result cannot be read. */
  readonly claim: string | undefined;
  readonly epoch: number;
  readonly mode: SliceInput['mode'];
  readonly seal: JobSeal;
}

/** What became of it. */
export interface Became {
  readonly kind: 'handedBack' | 'wentBack' | 'quarantined' | 'fenced';
  /** For people. */
  readonly reason: string;
}

/**
 * A checkpoint cannot be restored. What only this worker cannot read is handed back, for a while, to one that can; then the
 * job's definition decides. All of it is in the ledger before the slice ends.
 */
export async function settleUnrestorable(
  { ledger, log }: Pick<SliceDependencies, 'ledger' | 'log'>,
  job: UnrestorableJob,
  found: { readonly reason: Reason; readonly elsewhere?: boolean },
): Promise<Became> {
  const { key, claim, epoch, seal, definition } = job;
  const about = { job: definition.name, key, why: spoken(found.reason) };
  const write = (act: Unrestorable['act'], reason: Reason, more: Pick<Unrestorable, 'to' | 'findings'> = {}) =>
    cannotRestore(ledger, { key, claim, epoch, act, reason: forLedger(reason, seal), ...more });
  const fenced: Became = { kind: 'fenced', reason: 'fenced, and stopped' };

  if (found.elsewhere) {
    const waited = await write('wait', found.reason);
    if (waited === undefined) return fenced;
    if (waited < UNREADABLE_PATIENCE) {
      log.warn(
        { ...about, waited },
        'this worker cannot read the checkpoint of a job; it is handed back for another one',
      );
      return { kind: 'handedBack', reason: spoken(found.reason) };
    }
  }
  const kept = await keptCheckpoints(ledger, key);
  // What is to be undone only the last state knows: from an earlier one the rest would stay, and count as undone.
  const onUnrestorable = job.mode === 'cancel' ? 'quarantine' : definition.onUnrestorable;
  const fallback = fallBack({ ...definition, onUnrestorable }, kept, seal, found.reason);
  const written =
    fallback.act === 'goBack'
      ? await write('goBack', fallback.reason, { to: fallback.to })
      : await write('quarantine', fallback.reason, {
          findings: fallback.findings.map(({ seq, why }) => ({ seq, ...(why && { why: forLedger(why, seal) }) })),
        });
  if (written === undefined) return fenced;
  log.warn({ ...about, fallback }, 'the checkpoint of a job cannot be restored');
  return { kind: fallback.act === 'goBack' ? 'wentBack' : 'quarantined', reason: spoken(fallback.reason) };
}

/** What the workflow is told. */
export function outcomeOf({ kind, reason }: Became, seq: number): SliceOutcome {
  switch (kind) {
    case 'handedBack':
      return { kind: 'refused', refusal: 'cannotRead', reason };
    case 'wentBack':
      return { kind: 'yielded', seq, reason, wentBack: true };
    case 'fenced':
      return { kind: 'yielded', seq, reason };
    case 'quarantined':
      return { kind: 'quarantined', seq, reason };
  }
}
