import type { AnyJob } from '../jobs/define-job.ts';
import { Saver } from '../jobs/saver.ts';
import type { NewCheckpoint } from '../ledger/checkpoints.ts';
import { openLedger } from '../ledger/pool.ts';
import type { Ledger } from '../ledger/pool.ts';
import type { Logger } from '../log.ts';
import type { Held, Place } from './place.ts';

/** The place of a job without transactions: its last checkpoint, as the bytes that the ledger would hold. */
export class MemoryPlace implements Place {
  readonly #definition: AnyJob;
  readonly #ledger: Ledger;
  #last: NewCheckpoint | undefined;
  #losses = 0;
  #lossesAt = 0;

  constructor(definition: AnyJob, log: Logger) {
    this.#definition = definition;
    // Opens no connection: nothing is asked of it, for a job that asks is refused before.
    this.#ledger = openLedger({ databaseUrl: 'postgres://none/none', namespace: 'none', applicationName: 'none', log });
  }

  claim(stateVersion: number): Promise<Held | { readonly quarantined: string }> {
    if (this.#losses >= this.#definition.lossesAllowed) return Promise.resolve({ quarantined: this.#lostTooOften() });
    const save: Ledger['saves']['save'] = (_fence, checkpoint) => {
      this.#last = checkpoint;
      return Promise.resolve(true);
    };
    const fence = { key: 'test', claim: 'test', epoch: 1 };
    return Promise.resolve({
      ledger: this.#ledger,
      saver: new Saver({ ...this.#ledger, saves: { save } }, fence, this.#seq, stateVersion),
      load: () => Promise.resolve(this.#last),
      end: (as) => Promise.resolve(as === 'lost' ? this.#countLoss() : undefined),
    });
  }

  forget(): Promise<void> {
    return this.#ledger.close();
  }

  get #seq(): number {
    return this.#last?.seq ?? 0;
  }

  #countLoss(): void {
    this.#losses = this.#seq > this.#lossesAt ? 1 : this.#losses + 1;
    this.#lossesAt = this.#seq;
  }

  #lostTooOften(): string {
    return this.#definition.lossesAllowed === 1
      ? 'its worker was lost in the middle of it, and it is atomic: whether its work was done nobody knows'
      : `interrupted ${this.#losses} times without progress since checkpoint ${this.#seq}: does it kill its worker?`;
  }
}
