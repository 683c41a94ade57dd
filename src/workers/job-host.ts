import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { createGraphActivities } from '../activities/graph-nodes.ts';
import { createSliceActivity } from '../activities/slice.ts';
import { RunningSlices } from '../activities/running-slices.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { rotateKeys } from '../jobs/rotate-keys.ts';
import type { AnyJob } from '../jobs/define-job.ts';
import { ensureGate } from '../ledger/gates.ts';
import { bindLedger } from '../ledger/identity.ts';
import type { Ledger } from '../ledger/pool.ts';
import { markWorker, registerWorker } from '../ledger/workers.ts';
import type { Logger } from '../log.ts';
import { quietLog } from '../quiet-log.ts';
import type { SliceInput, SliceOutcome } from '../protocol.ts';
import { DeadWorkerWatch } from './dead-worker-watch.ts';
import { GateWatch } from './gate-watch.ts';
import { WorkerSession } from './worker-session.ts';

export interface JobHostOptions {
  readonly environment: string;
  readonly client: Client;
  readonly ledger: Ledger;
  readonly keyring: Keyring | undefined;
  readonly jobs: readonly AnyJob[];
  readonly taskQueues: readonly string[];
  readonly buildId: string;
  readonly drainDeadlineMs: number;
  readonly log: Logger;
}

/**
 * Makes sure that the ledger is the right one and that the queues have their gates; before anything is opened.
 * @throws {LockkeeperError} LEDGER_SCHEMA, LEDGER_WRONG_CLUSTER, QUEUE_OF_ANOTHER_ENVIRONMENT
 */
export async function prepareLedger(
  ledger: Ledger,
  { clusterId, environment, taskQueues }: Pick<JobHostOptions, 'environment' | 'taskQueues'> & { clusterId: string },
): Promise<void> {
  await bindLedger(ledger, clusterId);
  for (const taskQueue of taskQueues) await ensureGate(ledger, environment, taskQueue);
}

/**
 * What makes Temporal Workers workers of jobs: the activity that runs slices, the session lock that says this worker lives,
 * and the watches of its gates and of dead workers. Whoever made the Temporal Workers runs and stops them.
 */
export class JobHost {
  readonly id = randomUUID();
  /** To be served by the Temporal Workers. */
  readonly activities: { readonly slice: (input: SliceInput) => Promise<SliceOutcome> } & ReturnType<
    typeof createGraphActivities
  >;
  readonly #o: JobHostOptions;
  readonly #running = new RunningSlices();
  readonly #gates: GateWatch;
  readonly #session: WorkerSession;
  readonly #watch: DeadWorkerWatch;

  constructor(options: JobHostOptions) {
    this.#o = options;
    const { ledger, client, environment, log } = options;
    this.#gates = new GateWatch({ ledger, client, environment, workerId: this.id, running: this.#running, log });
    this.#session = new WorkerSession({
      databaseUrl: ledger.databaseUrl,
      workerId: this.id,
      log,
      register: () => this.#register(),
      onNews: () => this.#gates.nudge(),
    });
    this.#watch = new DeadWorkerWatch({ ledger, client, workerId: this.id, log });
    this.activities = { ...this.#sliceActivity(), ...createGraphActivities({ client }) };
  }

  /** From here on this worker counts as alive; slices that come before wait. @throws {LockkeeperError} LEDGER_POOLED */
  async open(): Promise<void> {
    await this.#session.open();
    this.#watch.start();
    await this.#gates.start();
  }

  /** For whoever reads the log: from now on it takes slices. */
  tellReady(): void {
    const { taskQueues, jobs, log } = this.#o;
    log.info({ worker: this.id, taskQueues, jobs: jobs.map((job) => job.name) }, 'worker ready');
  }

  /**
   * Tells the slices to save their place, and `stopPolling` before that: a slice that steps aside while this worker still
   * polls would come back to it. Calling it again does nothing.
   */
  stop(reason: string, stopPolling: () => void): void {
    if (this.#running.stopping) return;
    const { log, ledger } = this.#o;
    log.info({ worker: this.id, slices: this.#running.size, reason }, 'worker stopping');
    stopPolling();
    this.#running.stopAll(reason);
    markWorker(ledger, this.id, 'stopping').catch((error: unknown) =>
      log.warn({ err: error }, 'the ledger could not be told that this worker stops'),
    );
  }

  /** Once the Temporal Workers have ended; also after an `open` that failed. */
  async close(): Promise<void> {
    const { log, ledger } = this.#o;
    await this.#gates.stop();
    await this.#watch.stop();
    await markWorker(ledger, this.id, 'stopped').catch((error: unknown) =>
      log.warn({ err: error }, 'the ledger could not be told that this worker stopped'),
    );
    await this.#session.close();
    log.info({ worker: this.id }, 'worker stopped');
  }

  #register(): Promise<string> {
    return registerWorker(this.#o.ledger, {
      id: this.id,
      kind: 'worker',
      buildId: this.#o.buildId,
      taskQueues: this.#o.taskQueues,
      host: hostname(),
      pid: process.pid,
    });
  }

  #sliceActivity() {
    const { ledger, keyring, client, jobs, buildId, log, drainDeadlineMs } = this.#o;
    return createSliceActivity({
      ledger,
      keyring,
      client,
      jobs: new Map([...jobs, ...builtIn(keyring)].map((job) => [job.name, job])),
      worker: this.id,
      buildId,
      running: this.#running,
      gates: this.#gates,
      session: this.#session,
      log: keyring ? quietLog(log) : log,
      idleInTransactionMs: drainDeadlineMs,
    });
  }
}

/** Any queue will do: it is asked for on one that is served. */
const builtIn = (keyring: Keyring | undefined): AnyJob[] => (keyring ? [rotateKeys(keyring, 'any')] : []);
