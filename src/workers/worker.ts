import { hostname } from 'node:os';
import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkflowBundleOption } from '@temporalio/worker';
import type { TemporalConnection } from '../client/connection.ts';
import { readingClient } from '../client/reading-client.ts';
import { expectEncryption, findEncryption, keyringOf } from '../crypto/encryption.ts';
import type { Encryption } from '../crypto/encryption.ts';
import { DRAIN_DEADLINE, SHUTDOWN_FORCE, SHUTDOWN_GRACE } from '../defaults.ts';
import { durationOf } from '../duration.ts';
import type { Duration } from '../duration.ts';
import type { AnyGraph, AnyJob } from '../jobs/index.ts';
import type { Ledger } from '../ledger/pool.ts';
import type { Logger } from '../log.ts';
import { expectKeys } from './expect-keys.ts';
import { JobHost, prepareLedger } from './job-host.ts';
import { connectNative } from './native-connection.ts';
import { installRuntime } from './runtime.ts';
import { settingsForJobs } from './temporal-settings.ts';
import { withEncryption } from './worker-encryption.ts';
import { bundleWorkflows } from './workflow-bundle.ts';

export interface WorkerOptions {
  readonly environment: string;
  readonly temporal: TemporalConnection;
  readonly ledger: Ledger;
  readonly jobs: readonly AnyJob[];
  /** Graphs whose own workflows this worker runs, too; their nodes are run by whoever has the jobs. */
  readonly graphs?: readonly AnyGraph[];
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
  /**
   * Keys for what jobs save in the ledger and for what goes to Temporal, or `plaintext`: nothing is encrypted.
   * LOCKKEEPER_KEY_FILE or LOCKKEEPER_KEYS unless given; `keyring.acceptingPlaintext()` also reads what was saved before there
   * was one.
   */
  readonly encryption?: Encryption | undefined;
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
 * Makes a worker for the task queues of the jobs and graphs given. For a Temporal Worker that you have already, see `lockkeeperPlugin`.
 * @throws {LockkeeperError} KEYRING_MISSING when it is not said how to encrypt, KEYRING_INVALID; KEY_MISSING,
 *   PLAINTEXT_REFUSED when it could not read what open jobs have saved
 * @throws {LockkeeperError} USAGE for a duration that is none, SETTING_BREAKS_LAW, LEDGER_WRONG_CLUSTER, LEDGER_POOLED, QUEUE_OF_ANOTHER_ENVIRONMENT, CONFIG_INVALID
 */
export async function createWorker(options: WorkerOptions): Promise<LockkeeperWorker> {
  const worker = new JobWorker(options);
  await worker.prepare();
  return worker;
}

class JobWorker implements LockkeeperWorker {
  readonly #o: WorkerOptions;
  readonly #taskQueues: string[];
  readonly #settings: ReturnType<typeof settingsForJobs>;
  readonly #encryption: Encryption;
  readonly #host: JobHost;
  #connection: NativeConnection | undefined;
  #workers: Worker[] = [];

  constructor(options: WorkerOptions) {
    const { temporal, activities, drainDeadline = DRAIN_DEADLINE } = options;
    this.#o = options;
    this.#settings = settingsForJobs({
      ...(activities && { activities }),
      shutdownGraceTime: durationOf('shutdownGrace', options.shutdownGrace ?? SHUTDOWN_GRACE),
      shutdownForceTime: durationOf('shutdownForce', options.shutdownForce ?? SHUTDOWN_FORCE),
    });
    this.#encryption = expectEncryption(options.encryption ?? findEncryption());
    this.#taskQueues = [...new Set([...options.jobs, ...(options.graphs ?? [])].map(({ taskQueue }) => taskQueue))];
    this.#host = new JobHost({
      environment: options.environment,
      client: readingClient(temporal.client, this.#encryption),
      ledger: options.ledger,
      keyring: keyringOf(this.#encryption),
      jobs: options.jobs,
      taskQueues: this.#taskQueues,
      buildId: options.buildId,
      drainDeadlineMs: durationOf('drainDeadline', drainDeadline),
      log: options.log,
    });
  }

  get id(): string {
    return this.#host.id;
  }

  async prepare(): Promise<void> {
    const { temporal, ledger, environment, log, workflows } = this.#o;
    installRuntime(log, this.#encryption !== 'plaintext');
    const { clusterId } = temporal;
    await prepareLedger(ledger, { clusterId, environment, taskQueues: this.#taskQueues });
    await expectKeys(ledger, this.#encryption);
    const failures = this.#encryption === 'plaintext' ? 'readable' : 'encoded';
    const workflowBundle = await bundleWorkflows(log, workflows, failures);
    try {
      await this.#connect(workflowBundle);
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  async #connect(workflowBundle: WorkflowBundleOption): Promise<void> {
    const { temporal } = this.#o;
    const dataConverter = withEncryption(undefined, this.#encryption, temporal.namespace);
    await this.#host.open();
    this.#connection = await connectNative(temporal);
    for (const taskQueue of this.#taskQueues) {
      this.#workers.push(
        await Worker.create({
          ...this.#settings,
          connection: this.#connection,
          namespace: temporal.namespace,
          taskQueue,
          workflowBundle,
          dataConverter,
          activities: { ...this.#o.activities, ...this.#host.activities },
          identity: `${hostname()}:${process.pid} ${this.#o.buildId}`,
          maxConcurrentActivityTaskExecutions: this.#o.maxConcurrentSlices ?? 100,
        }),
      );
    }
  }

  async run(): Promise<void> {
    this.#host.tellReady();
    try {
      await Promise.all(this.#workers.map((worker) => this.#runOne(worker)));
    } finally {
      await this.#close();
    }
  }

  shutdown(reason: string): void {
    this.#host.stop(reason, () => {
      for (const worker of this.#workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    });
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

  async #close(): Promise<void> {
    await this.#host.close();
    await this.#connection?.close();
  }
}
