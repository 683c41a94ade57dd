import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { WORKER_LOCK_CLASS, clearStopped, workerSessionName } from '../ledger/workers.ts';
import type { Logger } from '../log.ts';
import { connectToLedger } from './ledger-connection.ts';

/** Pause before a lost connection is opened again, milliseconds; jittered so that a fleet does not come at once. */
const RECONNECT_AFTER = 200;

export interface WorkerSessionOptions {
  readonly databaseUrl: string;
  readonly workerId: string;
  readonly log: Logger;
  /** Registers the worker; returns the number of its session lock. Called at every connection. */
  register(): Promise<string>;
  /** Something may have changed: a notification came, or a connection was made anew and some may have been missed. */
  onNews(): void;
}

/**
 * The one connection on which a worker listens, and whose session lock says that it lives.
 * Opened again whenever it is lost, until `close`.
 */
export class WorkerSession {
  readonly #options: WorkerSessionOptions;
  #client: pg.Client | undefined;
  #held = false;
  #closed = false;
  #loop: Promise<void> | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(options: WorkerSessionOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the first connection stands.
   * @throws {LockkeeperError} LEDGER_POOLED
   */
  async open(): Promise<void> {
    const { gone } = await this.#connect();
    this.#loop = this.#reconnect(gone);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#client?.end();
    await this.#loop;
  }

  /** Whether the lock is held, at the latest after `ms`: without it this worker counts as dead and may begin nothing. */
  async whenHeld(ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.#held || signal.aborted) return this.#held;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
      this.#waiting.add(done);
    });
    return this.#held;
  }

  async #reconnect(lost: Promise<void>): Promise<void> {
    await lost;
    while (!this.#closed) {
      await delay(RECONNECT_AFTER * (0.5 + Math.random()));
      try {
        const { gone } = await this.#connect();
        this.#options.log.info('listening to the ledger again');
        await gone;
      } catch (error) {
        this.#options.log.warn({ err: error }, 'the ledger does not answer');
      }
    }
  }

  /** Resolves when the lock is held; `gone` resolves when the connection is gone. */
  async #connect(): Promise<{ gone: Promise<void> }> {
    const { databaseUrl, workerId, log } = this.#options;
    const name = workerSessionName(workerId);
    // Patient: the lock may be held for a moment by the session that was lost.
    const { client, gone } = await connectToLedger({ databaseUrl, name, log, patient: true });
    try {
      client.on('notification', () => this.#options.onNews());
      await client.query('listen lockkeeper_gate');
      const lock = await this.#options.register();
      // The server may not have noticed yet that the session before is gone.
      await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = $1 and datname = current_database() and pid <> pg_backend_pid()`,
        [name],
      );
      await client.query('select pg_advisory_lock($1, $2)', [WORKER_LOCK_CLASS, lock]);
      // Slow until here, it may have been taken for dead; from now on nobody can.
      await clearStopped(client, workerId);
    } catch (error) {
      await client.end();
      throw error;
    }
    this.#client = client;
    // Closed while the connection was made: nobody else would end it.
    if (this.#closed) {
      await client.end();
    } else {
      this.#holds(true);
      this.#options.onNews();
    }
    return { gone: gone.then(() => this.#holds(false)) };
  }

  #holds(held: boolean): void {
    this.#held = held;
    if (held) for (const done of [...this.#waiting]) done();
  }
}
