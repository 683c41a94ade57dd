import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from '../log.ts';

/** First number of the advisory locks that say a worker lives: "LKWK" in ASCII. */
export const WORKER_LOCK_CLASS = 0x4c4b574b;
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
  #closed = false;
  #loop: Promise<void> | undefined;

  constructor(options: WorkerSessionOptions) {
    this.#options = options;
  }

  /** Resolves when the first connection stands. */
  async open(): Promise<void> {
    const { ended } = await this.#connect();
    this.#loop = this.#reconnect(ended);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#client?.end();
    await this.#loop;
  }

  async #reconnect(lost: Promise<void>): Promise<void> {
    await lost;
    while (!this.#closed) {
      await delay(RECONNECT_AFTER * (0.5 + Math.random()));
      try {
        const { ended } = await this.#connect();
        this.#options.log.info('listening to the ledger again');
        await ended;
      } catch (error) {
        this.#options.log.warn({ err: error }, 'the ledger does not answer');
      }
    }
  }

  /** Resolves when connected; `ended` resolves when the connection is gone. */
  async #connect(): Promise<{ ended: Promise<void> }> {
    const { databaseUrl, workerId, log } = this.#options;
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: `lockkeeper worker ${workerId}`,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', (error) => log.warn({ err: error }, 'the connection on which this worker listens was lost'));
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    await client.connect();
    try {
      client.on('notification', () => this.#options.onNews());
      await client.query('listen lockkeeper_gate');
      await client.query('select pg_advisory_lock($1, $2)', [WORKER_LOCK_CLASS, await this.#options.register()]);
    } catch (error) {
      await client.end();
      throw error;
    }
    this.#client = client;
    this.#options.onNews();
    return { ended };
  }
}
