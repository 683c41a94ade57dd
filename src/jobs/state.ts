import type { JobSeal } from '../crypto/job-seal.ts';
import { errorMessage } from '../errors.ts';
import type { SavedCheckpoint } from '../ledger/checkpoints.ts';
import type { AnyJob } from './define-job.ts';
import type { Reason } from './reason.ts';

/** A checkpoint with what was saved in it. */
export interface Checkpoint extends Pick<SavedCheckpoint, 'seq' | 'kind' | 'stateVersion'> {
  readonly value: unknown;
}

export type Restored = { readonly ok: true; readonly state: unknown } | { readonly ok: false; readonly reason: Reason };

/**
 * What was saved.
 * @throws {LockkeeperError} KEY_MISSING, SEAL_BROKEN, PLAINTEXT_REFUSED
 */
export function openCheckpoint(row: SavedCheckpoint, seal: JobSeal): Checkpoint {
  const { seq, kind, stateVersion } = row;
  return { seq, kind, stateVersion, value: JSON.parse(seal.open(row, row).toString()) as unknown };
}

/** The state a slice begins with, from the row of the ledger. */
export function restoreSaved(
  definition: AnyJob,
  row: SavedCheckpoint | undefined | 'missing',
  seal: JobSeal,
): Restored {
  if (row === undefined || row === 'missing') return restoreState(definition, row);
  let checkpoint: Checkpoint;
  try {
    checkpoint = openCheckpoint(row, seal);
  } catch (error) {
    return { ok: false, reason: { words: errorMessage(error) } };
  }
  return restoreState(definition, checkpoint);
}

/** The state a slice begins with: the initial one, or a checkpoint migrated to this code's version and parsed. */
export function restoreState(definition: AnyJob, checkpoint: Checkpoint | undefined | 'missing'): Restored {
  const spec = definition.options.state;
  // A copy: a job that changes its state in place must not change where the next one begins.
  if (!spec || checkpoint === undefined) return { ok: true, state: structuredClone(spec?.initial) };
  if (checkpoint === 'missing') return { ok: false, reason: { words: 'the last checkpoint is not in the ledger' } };
  const { seq, stateVersion, value } = checkpoint;
  const version = spec.version ?? 1;
  if (stateVersion > version) {
    const words = `checkpoint ${seq} has state version ${stateVersion}, this code knows ${version}: a newer worker wrote it`;
    return { ok: false, reason: { words } };
  }
  let state = value;
  try {
    for (let from = stateVersion; from < version; from += 1) {
      const migrate = spec.migrate?.[from];
      if (!migrate) {
        const words = `state version ${from} cannot be migrated: the job has no migrate[${from}]`;
        return { ok: false, reason: { words } };
      }
      state = migrate(state as never);
    }
    return { ok: true, state: spec.parse ? (spec.parse(state) as unknown) : state };
  } catch (error) {
    return { ok: false, reason: { words: `checkpoint ${seq} does not parse`, detail: errorMessage(error) } };
  }
}
