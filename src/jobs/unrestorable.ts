import type { JobSeal } from '../crypto/job-seal.ts';
import type { Kept, SavedCheckpoint } from '../ledger/checkpoints.ts';
import type { AnyJob } from './define-job.ts';
import type { Reason } from './reason.ts';
import { restoreSaved } from './state.ts';

/** What was found of one kept checkpoint. */
export interface Finding {
  readonly seq: number;
  /** Undefined: it can be restored. */
  readonly why?: Reason;
}

/** What becomes of a job whose checkpoint cannot be restored. */
export type Fallback =
  /** 0: its initial state. */
  | { readonly act: 'goBack'; readonly to: number; readonly reason: Reason }
  | { readonly act: 'quarantine'; readonly reason: Reason; readonly findings: readonly Finding[] };

/** Decides by the job's definition, from everything that is kept of it. `why`: what is wrong with the one it was to go on from. */
export function fallBack(definition: AnyJob, kept: Kept, seal: JobSeal, why: Reason): Fallback {
  const findings = kept.rows.map((row) => find(definition, row, seal));
  const quarantine = (more?: string): Fallback => ({ act: 'quarantine', reason: adding(why, more), findings });
  switch (definition.onUnrestorable) {
    case 'restart':
      return { act: 'goBack', to: 0, reason: adding(why, 'it began again') };
    case 'previous': {
      const to = findings.find((one) => one.why === undefined && one.seq < kept.target)?.seq;
      if (to === undefined) return quarantine('none of the ones before can be restored');
      if (to < kept.effectSeq)
        return quarantine(
          `not gone back to ${to}: SQL committed with checkpoint ${kept.effectSeq} would be done again`,
        );
      return { act: 'goBack', to, reason: adding(why, `it went on from checkpoint ${to}`) };
    }
    case 'quarantine':
      return quarantine();
  }
}

function find(definition: AnyJob, row: SavedCheckpoint, seal: JobSeal): Finding {
  const restored = restoreSaved(definition, row, seal);
  return { seq: row.seq, ...(!restored.ok && { why: restored.reason }) };
}

/** What was decided comes first: the rest may be encrypted. */
const adding = (why: Reason, words: string | undefined): Reason =>
  words === undefined ? why : { ...why, words: [words, why.words].filter((one) => one !== undefined).join('; ') };
