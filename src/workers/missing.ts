import type { MissingWorker } from '../ledger/dead-workers.ts';

/**
 * A worker that has lost only its session, or everybody's after Postgres was restarted, holds its lock again within about
 * 0.3 s; without this grace one in ten was taken for dead. Milliseconds.
 */
export const GRACE = 1_500;

/** Tells from what is missing, look after look on one connection, which workers are gone. */
export class Missing {
  readonly #connectedAt: number;
  readonly #since = new Map<string, number>();

  /** `connectedAt`: when the connection was made on which is looked; a Postgres restart would have ended it. */
  constructor(connectedAt: number) {
    this.#connectedAt = connectedAt;
  }

  /** `now` and all times: milliseconds of one monotonic clock. */
  gone(missing: readonly MissingWorker[], now: number): MissingWorker[] {
    for (const id of [...this.#since.keys()]) if (!missing.some((worker) => worker.id === id)) this.#since.delete(id);
    for (const { id } of missing) if (!this.#since.has(id)) this.#since.set(id, now);
    return missing.filter((worker) => {
      // All its connections went at once and ours did not: its process has ended.
      const ended = !worker.connected && now - this.#connectedAt >= GRACE;
      return ended || now - this.#since.get(worker.id)! >= GRACE;
    });
  }
}
