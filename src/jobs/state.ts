import type { Checkpoint } from '../ledger/checkpoints.ts';
import type { AnyJob } from './define-job.ts';

export type Restored = { readonly ok: true; readonly state: unknown } | { readonly ok: false; readonly reason: string };

/** The state a slice begins with: the initial one, or a checkpoint migrated to this code's version and parsed. */
export function restoreState(definition: AnyJob, checkpoint: Checkpoint | undefined | 'missing'): Restored {
  const spec = definition.options.state;
  // A copy: a job that changes its state in place must not change where the next one begins.
  if (!spec || checkpoint === undefined) return { ok: true, state: structuredClone(spec?.initial) };
  if (checkpoint === 'missing') return { ok: false, reason: 'the last checkpoint is not in the ledger' };
  const version = spec.version ?? 1;
  if (checkpoint.stateVersion > version) {
    return {
      ok: false,
      reason: `checkpoint ${checkpoint.seq} has state version ${checkpoint.stateVersion}, this code knows ${version}: a newer worker wrote it`,
    };
  }
  let state = checkpoint.value;
  try {
    for (let from = checkpoint.stateVersion; from < version; from += 1) {
      const migrate = spec.migrate?.[from];
      if (!migrate)
        return { ok: false, reason: `state version ${from} cannot be migrated: the job has no migrate[${from}]` };
      state = migrate(state as never);
    }
    return { ok: true, state: spec.parse ? (spec.parse(state) as unknown) : state };
  } catch (error) {
    return {
      ok: false,
      reason: `checkpoint ${checkpoint.seq} does not parse: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
