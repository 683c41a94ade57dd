import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import pLimit from 'p-limit';
import type pg from 'pg';
import { signalDrained } from '../activities/drain-signal.ts';
import { completeAsYielded, forgetWorkerOf } from '../activities/hand-over.ts';
import { WATCH_EVERY } from '../defaults.ts';
import { failpoint } from '../failpoints.ts';
import { SESSIONS_LEFT } from '../ledger/claims.ts';
import type { ClaimRow } from '../ledger/claims.ts';
import { declareGone, markTold, missingWorkers, owedClaims } from '../ledger/dead-workers.ts';
import type { MissingWorker } from '../ledger/dead-workers.ts';
import type { Ledger } from '../ledger/pool.ts';
import { WORKER_LOCK_CLASS, watchSessionName } from '../ledger/workers.ts';
import type { Logger } from '../log.ts';
import { connectToLedger } from './ledger-connection.ts';
import { Missing } from './missing.ts';

/** The advisory lock of the one that watches: no worker's number, those count from 1. */
const WATCH_LOCK = 0;
/** A watching process that is frozen loses its session, and with it the lock, after this. */
const FROZEN_AFTER = '2s';
/** How long a claim's end waits for a row that somebody holds. */
const LOCK_TIMEOUT = '1s';
/** Candidates ask about this often all together, however many there are. */
const CANDIDATES = 4;
/** Slices told to the server at the same time. */
const TELL_AT_ONCE = 20;
/** Before a server that did not answer is told again, and before a lost connection is made anew, milliseconds. */
const AGAIN_AFTER = 500;

export interface DeadWorkerWatchOptions {
  readonly ledger: Ledger;
  readonly client: Client;
  readonly workerId: string;
  readonly log: Logger;
}

/**
 * Every worker and deploy worker takes part; one of them holds the lock and looks, several times a second, for workers
 * whose session lock is gone: ends their claims, and tells the server that their slices are over, so that the jobs go on
 * elsewhere at once instead of after a heartbeat timeout.
 */
export class DeadWorkerWatch {
  readonly #o: DeadWorkerWatchOptions;
  readonly #stop = new AbortController();
  readonly #limit = pLimit(TELL_AT_ONCE);
  /** What the server is being told at the moment. */
  readonly #telling = new Map<string, Promise<void>>();
  #loop: Promise<void> | undefined;

  constructor(options: DeadWorkerWatchOptions) {
    this.#o = options;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await Promise.all(this.#telling.values());
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#onConnection();
      } catch (error) {
        this.#o.log.warn({ err: error }, 'the watch for dead workers was interrupted; it begins anew');
      }
      await this.#pause(AGAIN_AFTER);
    }
  }

  async #onConnection(): Promise<void> {
    const { ledger, workerId, log } = this.#o;
    const { client } = await connectToLedger({
      databaseUrl: ledger.databaseUrl,
      name: watchSessionName(workerId),
      log,
    });
    const missing = new Missing(performance.now());
    try {
      await client.query(`set lock_timeout = '${LOCK_TIMEOUT}'`);
      await this.#beElected(client);
      while (!this.#stop.signal.aborted) {
        await this.#look(client, missing);
        await this.#pause(WATCH_EVERY);
      }
    } finally {
      await client.end();
    }
  }

  /** Asks for the lock now and then; waiting inside Postgres would hold up its vacuum for as long. */
  async #beElected(client: pg.Client): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { rows } = await client.query<{ elected: boolean; workers: number }>({
        name: 'be_elected',
        text: `select pg_try_advisory_lock($1, $2) as elected,
          (select count(*)::integer from lockkeeper._session_locks) as workers`,
        values: [WORKER_LOCK_CLASS, WATCH_LOCK],
      });
      if (rows[0]!.elected) {
        await client.query(`set idle_session_timeout = '${FROZEN_AFTER}'`);
        this.#o.log.debug({ worker: this.#o.workerId }, 'watching for dead workers');
        return;
      }
      await this.#pause(WATCH_EVERY * Math.max(1, rows[0]!.workers / CANDIDATES) * (0.5 + Math.random()));
    }
  }

  async #look(client: pg.Client, missing: Missing): Promise<void> {
    for (const worker of missing.gone(await missingWorkers(client), performance.now())) {
      await this.#declareGone(client, worker);
    }
    for (const claim of await owedClaims(client, this.#o.ledger.namespace)) this.#tell(claim);
  }

  async #declareGone(client: pg.Client, { id, kind, host, pid }: MissingWorker): Promise<void> {
    const gone = await declareGone(client, id, `its worker, process ${pid} on ${host}, is gone`);
    if (!gone) return;
    await failpoint('watch.declared');
    this.#o.log.warn(
      { worker: id, kind, host, pid, slices: gone.slices },
      'a worker is gone; its slices go on elsewhere',
    );
    if (gone.sessionsLeft) this.#o.log.warn({ worker: id, logins: gone.sessionsLeft }, SESSIONS_LEFT);
    for (const drained of gone.drained) {
      this.#aside(`${id} ${drained.taskQueue}`, () => signalDrained(this.#o.client, drained, this.#o.log));
    }
  }

  /** Owed until it succeeds. */
  #tell(claim: ClaimRow): void {
    this.#aside(claim.claim, async () => {
      try {
        await forgetWorkerOf(this.#o.client, claim.workflowId);
        await completeAsYielded(this.#o.client, claim, 'its worker is gone');
        await markTold(this.#o.ledger.pool, claim.claim);
      } catch (error) {
        this.#o.log.warn(
          { err: error, claim: claim.claim },
          'the server could not be told of a slice whose worker is gone',
        );
        await this.#pause(AGAIN_AFTER);
      }
    });
  }

  /** Beside the looking, which must not wait for a Temporal server that is away. */
  #aside(what: string, tell: () => Promise<void>): void {
    if (this.#telling.has(what)) return;
    this.#telling.set(
      what,
      this.#limit(tell).finally(() => this.#telling.delete(what)),
    );
  }

  #pause(ms: number): Promise<void> {
    return delay(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}
