import { hash } from 'node:crypto';
import type { Progress } from '../ledger/checkpoints.ts';

const FIELDS = ['done', 'total', 'note'] as const;

/** A job's place and progress as the ledger is known to have them. */
export class KnownPlace {
  /** In place of a state of up to 8 MiB. */
  readonly #state: string;
  readonly #progress: Progress;

  constructor(state: Buffer, progress: Progress) {
    this.#state = digest(state);
    this.#progress = progress;
  }

  /** Whether a save would write nothing new. A field of the progress that is not set leaves what the ledger has. */
  has(state: Buffer, progress: Progress): boolean {
    const same = FIELDS.every(
      (field) => progress[field] === undefined || Object.is(progress[field], this.#progress[field]),
    );
    return same && digest(state) === this.#state;
  }
}

const digest = (bytes: Buffer): string => hash('sha256', bytes);
