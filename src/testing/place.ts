import type { LoadedCheckpoint } from '../ledger/checkpoints.ts';
import type { Ledger } from '../ledger/pool.ts';
import type { Saver } from '../jobs/saver.ts';

/** Where one job's state lives between its slices. */
export interface Place {
  /** Begins a slice of code whose states have this version. */
  claim(stateVersion: number): Promise<Held | { readonly quarantined: string }>;
  /** Forgets the job. */
  forget(): Promise<void>;
}

/** The job, held by one slice. */
export interface Held {
  readonly ledger: Ledger;
  readonly saver: Saver;
  load(): Promise<LoadedCheckpoint | undefined | 'missing'>;
  /** `released`: the slice stepped aside or ended. `lost`: its process was killed, and all it had begun with it. */
  end(as: 'released' | 'lost'): Promise<void>;
}
