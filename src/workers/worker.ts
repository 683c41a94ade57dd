import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkflowBundleOption } from '@temporalio/worker';
import { createSliceActivity } from '../activities/slice.ts';
import { RunningSlices } from '../activities/running-slices.ts';
import type { TemporalConnection } from '../client/connection.ts';
import { DRAIN_DEADLINE, SHUTDOWN_FORCE, SHUTDOWN_GRACE, STICKY_FOR } from '../defaults.ts';
import { durationOf } from '../duration.ts';
import type { Duration } from '../duration.ts';
import { LockkeeperError } from '../errors.ts';
import type { AnyJob } from '../jobs/define-job.ts';
import { ensureGate } from '../ledger/gates.ts';
import { bindLedger } from '../ledger/identity.ts';
import type { Ledger } from '../ledger/pool.ts';
import { markWorker, registerWorker } from '../ledger/workers.ts';
import type { Logger } from '../log.ts';
import { DeadWorkerWatch } from './dead-worker-watch.ts';
import { GateWatch } from './gate-watch.ts';
import { connectNative } from './native-connection.ts';
import { installRuntime } from './runtime.ts';
import { WorkerSession } from './worker-session.ts';
import { bundleWorkflows } from './workflow-bundle.ts';

export interface WorkerOptions {
  readonly environment: string;
  readonly temporal: TemporalConnection;
  readonly ledger: Ledger;
  readonly jobs: readonly AnyJob[];
  /** Absolute path of a module with workflows of your own. */
  readonly workflows?: string | undefined;
  /** Other activities that your workflows call, by name. */
  readonly activities?: object;
  readonly buildId: string;
  /** Slices that may run at once, per task queue; 100 unless said otherwise. */
  readonly maxConcurrentSlices?: number | undefined;
  /** From shutdown until slices that do not yield are cancelled; 20 s unless said otherwise. */
  readonly shutdownGrace?: Duration | undefined;
  /** From shutdown until this worker gives up on slices that ignore that; 25 s unless said otherwise. */
  readonly shutdownForce?: Duration | undefined;
  /** How long a transaction may stand idle; that of the drain, 60 s, unless said otherwise. */
  readonly drainDeadline?: Duration | undefined;
  readonly log: Logger;
}

/** A running worker of jobs. */
export interface LockkeeperWorker {
  readonly id: string;
  /** Runs until {@link shutdown}; rejects when slices had to be given up. */
  run(): Promise<void>;
  /** Stops polling, tells the slices to save their place, and ends. Calling it again does nothing. */
  shutdown(reason: string): void;
}

/**
 * Makes a worker for the task queues of the jobs given.
 * @throws {LockkeeperError} USAGE for a duration that is none, SETTING_BREAKS_LAW, LEDGER_WRONG_CLUSTER, LEDGER_POOLED, QUEUE_OF_ANOTHER_ENVIRONMENT, CONFIG_INVALID
 */
export async function createWorker(options: WorkerOptions): Promise<LockkeeperWorker> {
  const grace = durationOf('shutdownGrace', options.shutdownGrace ?? SHUTDOWN_GRACE);
  const force = durationOf('shutdownForce', options.shutdownForce ?? SHUTDOWN_FORCE);
  const drain = durationOf('drainDeadline', options.drainDeadline ?? DRAIN_DEADLINE);
  if (!(grace > 0 && grace < force)) {
    throw new LockkeeperError('SETTING_BREAKS_LAW', `shutdownGrace is ${grace} ms and shutdownForce ${force} ms`, {
      next: 'The grace must be above 0 and below the force: slices save their place in it',
    });
  }
  const worker = new JobWorker(options, { grace, force, drain });
  await worker.prepare();
  return worker;
}

/** Milliseconds. */
interface Times {
  readonly grace: number;
  readonly force: number;
  readonly drain: number;
}

class JobWorker implements LockkeeperWorker {
  readonly id = randomUUID();
  readonly #o: WorkerOptions;
  readonly #times: Times;
  readonly #running = new RunningSlices();
  readonly #taskQueues: string[];
  readonly #gates: GateWatch;
  readonly #session: WorkerSession;
  readonly #watch: DeadWorkerWatch;
  #connection: NativeConnection | undefined;
  #workers: Worker[] = [];

  constructor(options: WorkerOptions, times: Times) {
    this.#o = options;
    this.#times = times;
    this.#taskQueues = [...new Set(options.jobs.map((job) => job.taskQueue))];
    const { ledger, environment, log } = options;
    this.#gates = new GateWatch({
      ledger,
      client: options.temporal.client,
      environment,
      workerId: this.id,
      running: this.#running,
      log,
    });
    this.#session = new WorkerSession({
      databaseUrl: ledger.databaseUrl,
      workerId: this.id,
      log,
      register: () => this.#register(),
      onNews: () => this.#gates.nudge(),
    });
    this.#watch = new DeadWorkerWatch({ ledger, client: options.temporal.client, workerId: this.id, log });
  }

  async prepare(): Promise<void> {
    const { temporal, ledger, environment, log } = this.#o;
    installRuntime(log);
    await bindLedger(ledger, temporal.clusterId);
    for (const taskQueue of this.#taskQueues) await ensureGate(ledger, environment, taskQueue);
    const workflowBundle = await bundleWorkflows(log, this.#o.workflows);
    try {
      await this.#connect(workflowBundle);
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  async #connect(workflowBundle: WorkflowBundleOption): Promise<void> {
    const { temporal } = this.#o;
    await this.#session.open();
    this.#watch.start();
    await this.#gates.start();
    this.#connection = await connectNative(temporal);
    for (const taskQueue of this.#taskQueues) {
      this.#workers.push(
        await Worker.create({
          connection: this.#connection,
          namespace: temporal.namespace,
          taskQueue,
          workflowBundle,
          activities: { ...this.#o.activities, ...this.#sliceActivity() },
          identity: `${hostname()}:${process.pid} ${this.#o.buildId}`,
          maxConcurrentActivityTaskExecutions: this.#o.maxConcurrentSlices ?? 100,
          // Eager dispatch goes round a paused queue.
          maxEagerActivityReservationsPerWorkflowTask: 0,
          // How late a slice hears of its cancellation: the default would be 0.8 of the heartbeat timeout.
          maxHeartbeatThrottleInterval: '1s',
          defaultHeartbeatThrottleInterval: '1s',
          stickyQueueScheduleToStartTimeout: STICKY_FOR,
          shutdownGraceTime: this.#times.grace,
          shutdownForceTime: this.#times.force,
        }),
      );
    }
  }

  async run(): Promise<void> {
    this.#o.log.info(
      { worker: this.id, taskQueues: this.#taskQueues, jobs: this.#o.jobs.map((job) => job.name) },
      'worker ready',
    );
    try {
      await Promise.all(this.#workers.map((worker) => this.#runOne(worker)));
    } finally {
      await this.#close();
    }
  }

  shutdown(reason: string): void {
    if (this.#running.stopping) return;
    this.#o.log.info({ worker: this.id, slices: this.#running.size, reason }, 'worker stopping');
    // Polling stops first: a slice that steps aside before would be polled back by this very worker.
    this.#stopPolling();
    this.#running.stopAll(reason);
    markWorker(this.#o.ledger, this.id, 'stopping').catch((error: unknown) =>
      this.#o.log.warn({ err: error }, 'the ledger could not be told that this worker stops'),
    );
  }

  /** One of several Temporal workers that fails takes the others with it: half a worker is not noticed by anybody. */
  async #runOne(worker: Worker): Promise<void> {
    try {
      await worker.run();
    } catch (error) {
      this.shutdown('a part of the worker failed');
      throw error;
    }
  }

  #stopPolling(): void {
    for (const worker of this.#workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  }

  async #close(): Promise<void> {
    await this.#gates.stop();
    await this.#watch.stop();
    await markWorker(this.#o.ledger, this.id, 'stopped').catch((error: unknown) =>
      this.#o.log.warn({ err: error }, 'the ledger could not be told that this worker stopped'),
    );
    await this.#session.close();
    await this.#connection?.close();
    this.#o.log.info({ worker: this.id }, 'worker stopped');
  }

  #register(): Promise<string> {
    return registerWorker(this.#o.ledger, {
      id: this.id,
      kind: 'worker',
      buildId: this.#o.buildId,
      taskQueues: this.#taskQueues,
      host: hostname(),
      pid: process.pid,
    });
  }

  #sliceActivity() {
    return createSliceActivity({
      ledger: this.#o.ledger,
      client: this.#o.temporal.client,
      jobs: new Map(this.#o.jobs.map((job) => [job.name, job])),
      worker: this.id,
      buildId: this.#o.buildId,
      running: this.#running,
      gates: this.#gates,
      session: this.#session,
      log: this.#o.log,
      idleInTransactionMs: this.#times.drain,
    });
  }
}
