/** The slices that run in this process, so that gates and signals can tell them to step aside. */
export interface RunningSlice {
  readonly claim: string;
  readonly taskQueue: string;
  readonly stopping: AbortController;
}

export class RunningSlices {
  readonly #slices = new Map<string, RunningSlice>();
  readonly #lost = new Set<string>();
  readonly #shutdown = new AbortController();

  /** Tells the slice at once if the worker is stopping already. */
  add(slice: RunningSlice): void {
    this.#slices.set(slice.claim, slice);
    if (this.stopping) slice.stopping.abort(this.shutdown.reason);
  }

  remove(claim: string): void {
    this.#slices.delete(claim);
  }

  has(claim: string): boolean {
    return this.#slices.has(claim);
  }

  /** The ledger could not be told that this claim is lost: it is to be told so when it is back. */
  keepAsLost(claim: string): void {
    this.#lost.add(claim);
  }

  /** As what the ledger is to be told of a claim that this worker works on no more. */
  endOf(claim: string): 'released' | 'lost' {
    return this.#lost.has(claim) ? 'lost' : 'released';
  }

  get size(): number {
    return this.#slices.size;
  }

  get stopping(): boolean {
    return this.shutdown.aborted;
  }

  /** Fires, with the reason, when this worker takes no more slices. */
  get shutdown(): AbortSignal {
    return this.#shutdown.signal;
  }

  /** Tells every slice of one queue to step aside. */
  stopQueue(taskQueue: string, reason: string): void {
    for (const slice of this.#slices.values()) if (slice.taskQueue === taskQueue) slice.stopping.abort(reason);
  }

  /** Tells every slice to step aside, now and from now on. */
  stopAll(reason: string): void {
    this.#shutdown.abort(reason);
    for (const slice of this.#slices.values()) slice.stopping.abort(reason);
  }
}
