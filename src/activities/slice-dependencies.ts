import type { Client } from '@temporalio/client';
import type { Keyring } from '../crypto/keyring.ts';
import type { AnyJob } from '../jobs/define-job.ts';
import type { Ledger } from '../ledger/pool.ts';
import type { Logger } from '../log.ts';
import type { RunningSlices } from './running-slices.ts';

/** What a worker knows of its gates. */
export interface GateView {
  /** Resolves true when the gate opens, false when the time is over or the signal fires. */
  whenOpen(taskQueue: string, ms: number, signal: AbortSignal): Promise<boolean>;
}

/** Whether this worker still counts as alive. */
export interface SessionView {
  /** Resolves true when it holds its session lock, false when the time is over or the signal fires before. */
  whenHeld(ms: number, signal: AbortSignal): Promise<boolean>;
}

export interface SliceDependencies {
  readonly ledger: Ledger;
  /** Encrypts what is saved; without one it is saved as it is. */
  readonly keyring?: Keyring | undefined;
  readonly client: Client;
  readonly jobs: ReadonlyMap<string, AnyJob>;
  readonly worker: string;
  readonly buildId: string;
  readonly running: RunningSlices;
  readonly gates: GateView;
  readonly session: SessionView;
  readonly log: Logger;
  /** A transaction of a frozen worker is ended by Postgres after this, milliseconds. */
  readonly idleInTransactionMs: number;
}
