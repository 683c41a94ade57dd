import type { GateView } from '../activities/slice-dependencies.ts';
import type { RunningSlices } from '../activities/running-slices.ts';
import { signalDrained } from '../activities/drain-signal.ts';
import { GATE_POLL_EVERY } from '../defaults.ts';
import { claimsOfWorker, endClaim } from '../ledger/claims.ts';
import { readGates } from '../ledger/gates.ts';
import type { Ledger } from '../ledger/pool.ts';
import type { Logger } from '../log.ts';
import type { Client } from '@temporalio/client';

export interface GateWatchOptions {
  readonly ledger: Ledger;
  readonly client: Client;
  readonly environment: string;
  readonly workerId: string;
  readonly running: RunningSlices;
  readonly log: Logger;
}

/**
 * Keeps a worker's view of its gates, and acts on the state it finds: slices of closed queues are told to step aside,
 * claims that this worker no longer works on are ended. A notification only makes it look sooner.
 */
export class GateWatch implements GateView {
  readonly #o: GateWatchOptions;
  readonly #closed = new Set<string>();
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(options: GateWatchOptions) {
    this.#o = options;
  }

  async start(): Promise<void> {
    await this.#look();
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  /** Looks now, or once more after the look that is under way. */
  nudge(): void {
    if (this.#stopped) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = this.#look()
      .catch((error: unknown) => this.#o.log.warn({ err: error }, 'the gates could not be read'))
      .finally(() => {
        this.#looking = undefined;
        if (!this.#again) return;
        this.#again = false;
        this.nudge();
      });
  }

  async whenOpen(taskQueue: string, ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#closed.has(taskQueue)) this.nudge();
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#waiting.delete(check);
        resolve();
      };
      const check = () => {
        if (!this.#closed.has(taskQueue)) done();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
      this.#waiting.add(check);
    });
    return !signal.aborted && !this.#closed.has(taskQueue);
  }

  #schedule(): void {
    this.#timer = setTimeout(
      () => {
        this.nudge();
        this.#schedule();
      },
      GATE_POLL_EVERY * (0.5 + Math.random()),
    );
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    for (const gate of await readGates(this.#o.ledger, this.#o.environment)) {
      if (gate.state === 'closed') {
        this.#closed.add(gate.taskQueue);
        this.#o.running.stopQueue(gate.taskQueue, `deploy ${gate.owner?.deploy} closed the gate`);
      } else {
        this.#closed.delete(gate.taskQueue);
      }
    }
    for (const check of [...this.#waiting]) check();
    await this.#endForgotten();
  }

  /** Claims whose slice has ended while the ledger was away, or that were fenced and have stopped since. */
  async #endForgotten(): Promise<void> {
    const { ledger, workerId, running, client, log } = this.#o;
    for (const claim of await claimsOfWorker(ledger, workerId)) {
      if (running.has(claim)) continue;
      const ended = await endClaim(ledger, claim, running.endOf(claim), 'its worker had stopped it');
      if (ended.drained) await signalDrained(client, ended.drained, log);
    }
  }
}
