/** The slices that run in this process, so that gates and signals can tell them to step aside. */
export interface RunningSlice {
  readonly claim: string;
  readonly taskQueue: string;
  readonly stopping: AbortController;
}

export class RunningSlices {
  readonly #slices = new Map<string, RunningSlice>();
  /** Why this worker takes no more slices; undefined while it does. */
  #shutdown: string | undefined;

  /** Tells the slice at once if the worker is stopping already. */
  add(slice: RunningSlice): void {
    this.#slices.set(slice.claim, slice);
    if (this.#shutdown) slice.stopping.abort(this.#shutdown);
  }

  remove(claim: string): void {
    this.#slices.delete(claim);
  }

  has(claim: string): boolean {
    return this.#slices.has(claim);
  }

  get size(): number {
    return this.#slices.size;
  }

  get stopping(): boolean {
    return this.#shutdown !== undefined;
  }

  /** Tells every slice of one queue to step aside. */
  stopQueue(taskQueue: string, reason: string): void {
    for (const slice of this.#slices.values()) if (slice.taskQueue === taskQueue) slice.stopping.abort(reason);
  }

  /** Tells every slice to step aside, now and from now on. */
  stopAll(reason: string): void {
    this.#shutdown = reason;
    for (const slice of this.#slices.values()) slice.stopping.abort(reason);
  }
}
