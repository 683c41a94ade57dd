import type { JobSeal } from '../crypto/job-seal.ts';
import { errorMessage, isLockkeeperError } from '../errors.ts';
import type { SavedCheckpoint } from '../ledger/checkpoints.ts';
import type { AnyJob } from './define-job.ts';
import type { Reason } from './reason.ts';

/** A checkpoint with what was saved in it. */
export interface Checkpoint extends Pick<SavedCheckpoint, 'seq' | 'kind' | 'stateVersion' | 'buildId'> {
  readonly value: unknown;
}

export interface NotOpened {
  readonly ok: false;
  readonly reason: Reason;
  /** Another worker may be able to: what is missing is missing here. */
  readonly elsewhere?: boolean;
}
export type Opened<T> = ({ readonly ok: true } & T) | NotOpened;
export type Restored = Opened<{ readonly state: unknown }>;

/**
 * What was saved.
 * @throws {LockkeeperError} KEY_MISSING, SEAL_BROKEN, PLAINTEXT_REFUSED; {SyntaxError} it is not encrypted, and no JSON
 */
export function openCheckpoint(row: SavedCheckpoint, seal: JobSeal): Checkpoint {
  const { seq, kind, stateVersion, buildId } = row;
  return { seq, kind, stateVersion, buildId, value: JSON.parse(seal.open(row, row).toString()) as unknown };
}

/** The state a slice begins with, from the row of the ledger. */
export function restoreSaved(
  definition: AnyJob,
  row: SavedCheckpoint | undefined | 'missing',
  seal: JobSeal,
): Restored {
  if (!definition.options.state || row === undefined) return restoreState(definition, undefined);
  if (row === 'missing') return restoreState(definition, 'missing');
  if (row.kind === 'done')
    return { ok: false, reason: { words: `checkpoint ${row.seq} is the job's result, not a state` } };
  try {
    return restoreState(definition, openCheckpoint(row, seal));
  } catch (error) {
    return unopened(row.seq, error);
  }
}

/** The result of a job that is done. */
export function openResult(row: SavedCheckpoint | undefined | 'missing', seal: JobSeal): Opened<{ result: unknown }> {
  if (row === undefined || row === 'missing' || row.kind !== 'done')
    return { ok: false, reason: { words: 'the job is done and its result is not in the ledger' } };
  try {
    return { ok: true, result: openCheckpoint(row, seal).value };
  } catch (error) {
    return unopened(row.seq, error);
  }
}

/** The state a slice begins with: the initial one, or a checkpoint migrated to this code's version and parsed. */
export function restoreState(definition: AnyJob, checkpoint: Checkpoint | undefined | 'missing'): Restored {
  const spec = definition.options.state;
  // A copy: a job that changes its state in place must not change where the next one begins.
  if (!spec || checkpoint === undefined) return { ok: true, state: structuredClone(spec?.initial) };
  if (checkpoint === 'missing') return { ok: false, reason: { words: 'the last checkpoint is not in the ledger' } };
  const { seq, stateVersion, value, buildId } = checkpoint;
  const version = spec.version ?? 1;
  if (stateVersion > version) {
    const words = `checkpoint ${seq} has state version ${stateVersion}, this code knows ${version}: a newer worker wrote it, of build ${buildId}`;
    return { ok: false, reason: { words }, elsewhere: true };
  }
  let state = value;
  for (let from = stateVersion; from < version; from += 1) {
    const migrate = spec.migrate?.[from];
    if (!migrate) {
      const words = `checkpoint ${seq} has state version ${from} and cannot be migrated: the job has no migrate[${from}]`;
      return { ok: false, reason: { words } };
    }
    try {
      state = migrate(state as never);
    } catch (error) {
      return {
        ok: false,
        reason: {
          words: `checkpoint ${seq} could not be migrated, migrate[${from}] threw`,
          detail: errorMessage(error),
        },
      };
    }
  }
  try {
    return { ok: true, state: spec.parse ? (spec.parse(state) as unknown) : state };
  } catch (error) {
    return unparsed(seq, error);
  }
}

function unopened(seq: number, error: unknown): NotOpened {
  if (!isLockkeeperError(error)) return unparsed(seq, error);
  const words = `checkpoint ${seq} cannot be opened: ${errorMessage(error)}`;
  return { ok: false, reason: { words }, elsewhere: error.code === 'KEY_MISSING' };
}

const unparsed = (seq: number, error: unknown): NotOpened => ({
  ok: false,
  reason: { words: `checkpoint ${seq} does not parse`, detail: errorMessage(error) },
});
