import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Context } from '@temporalio/activity';
import { Worker } from '@temporalio/worker';
import type { ActivityInterceptors, NativeConnection, WorkerOptions as TemporalOptions } from '@temporalio/worker';
import type { DeployDependencies } from '../activities/deploy-dependencies.ts';
import { createDeployActivities } from '../activities/deploys.ts';
import { createGateActivities } from '../activities/gates.ts';
import { createOrderActivities } from '../activities/order.ts';
import { createStepActivities } from '../activities/steps.ts';
import type { TemporalConnection } from '../client/connection.ts';
import { ensureCoordinator } from '../client/coordinator.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { readingClient } from '../client/reading-client.ts';
import { ensureGate } from '../ledger/gates.ts';
import { bindLedger } from '../ledger/identity.ts';
import type { Ledger } from '../ledger/pool.ts';
import { markWorker, registerWorker } from '../ledger/workers.ts';
import type { Logger } from '../log.ts';
import type { Receiver } from '../notices/receiver.ts';
import { NoticeSender } from '../notices/sender.ts';
import { coordinatorTaskQueue } from '../protocol.ts';
import { STICKY_FOR } from '../defaults.ts';
import { DeadWorkerWatch } from './dead-worker-watch.ts';
import { connectNative } from './native-connection.ts';
import { installRuntime } from './runtime.ts';
import type { LockkeeperWorker } from './worker.ts';
import { WorkerSession } from './worker-session.ts';
import { bundleWorkflows } from './workflow-bundle.ts';

/** From shutdown until commands that are ended must be gone, milliseconds; a command gets 5 s for its SIGTERM. */
const SHUTDOWN_GRACE = 10_000;
const SHUTDOWN_FORCE = 20_000;
/** How often a deploy worker makes sure that there is a coordinator, milliseconds. */
const COORDINATOR_WATCH_EVERY = 10_000;

/** How often every act of a deploy tells that its deploy worker is alive, milliseconds. */
const HEARTBEAT_EVERY = 1_000;

export interface DeployWorkerOptions extends Pick<DeployDependencies, 'resolvePlan' | 'databaseUrl' | 'output'> {
  readonly environment: string;
  /** Times again and again in which no deploy is given the lock; none unless given. */
  readonly freezeWindows?: DeployDependencies['freezeWindows'];
  readonly temporal: TemporalConnection;
  readonly ledger: Ledger;
  /** The queues that deploys of this environment may pause. */
  readonly taskQueues: readonly string[];
  readonly buildId: string;
  /** Who is told what becomes of jobs. */
  readonly receivers: readonly Receiver[];
  /** That of the workers, to tell why a job failed where a receiver is to hear of it. */
  readonly keyring?: Keyring | undefined;
  readonly log: Logger;
}

/**
 * Makes the worker that serves coordinator, deploy runs and steps; any number of them may run beside each other.
 * @throws {LockkeeperError} LEDGER_WRONG_CLUSTER, LEDGER_POOLED, QUEUE_OF_ANOTHER_ENVIRONMENT
 */
export async function createDeployWorker(options: DeployWorkerOptions): Promise<LockkeeperWorker> {
  const { environment, temporal, ledger, log } = options;
  const id = randomUUID();
  const stopping = new AbortController();
  installRuntime(log);
  const ledgerId = await bindLedger(ledger, temporal.clusterId);
  for (const taskQueue of options.taskQueues) await ensureGate(ledger, environment, taskQueue);
  // It needs no keys: what it looks at of jobs, whether they run, is readable.
  const client = readingClient(temporal.client, undefined);
  const deps: DeployDependencies = { freezeWindows: [], ...options, ledgerId, client, stopping: stopping.signal };
  const session = new WorkerSession({
    databaseUrl: ledger.databaseUrl,
    workerId: id,
    log,
    register: () =>
      registerWorker(ledger, {
        id,
        kind: 'deploy-worker',
        buildId: options.buildId,
        taskQueues: [coordinatorTaskQueue(environment)],
        host: hostname(),
        pid: process.pid,
      }),
    onNews: () => undefined,
  });
  const deadWorkers = new DeadWorkerWatch({ ledger, client: temporal.client, workerId: id, log });
  const notices = new NoticeSender({
    ledger,
    environment,
    receivers: options.receivers,
    keyring: options.keyring,
    log,
  });
  let connection: NativeConnection | undefined;
  const close = async () => {
    await notices.stop();
    await deadWorkers.stop();
    await markWorker(ledger, id, 'stopped').catch((error: unknown) =>
      log.warn({ err: error }, 'the ledger could not be told that this worker stopped'),
    );
    await session.close();
    await connection?.close();
  };
  let worker: Worker;
  try {
    await session.open();
    deadWorkers.start();
    await ensureCoordinator(temporal.client, environment);
    await notices.start();
    connection = await connectNative(temporal);
    worker = await Worker.create({ ...(await temporalOptions(options, deps)), connection });
  } catch (error) {
    await close();
    throw error;
  }
  // Somebody may terminate it, in the middle of a deploy too: a new one loads everything from the ledger and goes on.
  const watch = setInterval(() => {
    ensureCoordinator(temporal.client, environment).catch((error: unknown) =>
      log.warn({ err: error }, 'the coordinator could not be looked after'),
    );
  }, COORDINATOR_WATCH_EVERY);

  return {
    id,
    async run() {
      log.info({ worker: id, environment, taskQueues: options.taskQueues }, 'deploy worker ready');
      try {
        await worker.run();
      } finally {
        clearInterval(watch);
        await close();
        log.info({ worker: id }, 'deploy worker stopped');
      }
    },
    shutdown(reason) {
      if (stopping.signal.aborted) return;
      log.info({ worker: id, reason }, 'deploy worker stopping');
      if (worker.getState() === 'RUNNING') worker.shutdown();
      stopping.abort(reason);
      // At the same time, not after: a receiver may take its time.
      void notices.stop();
    },
  };
}

async function temporalOptions(options: DeployWorkerOptions, deps: DeployDependencies): Promise<TemporalOptions> {
  return {
    namespace: options.temporal.namespace,
    taskQueue: coordinatorTaskQueue(options.environment),
    workflowBundle: await bundleWorkflows(options.log, undefined),
    activities: {
      ...createOrderActivities(deps),
      ...createDeployActivities(deps),
      ...createGateActivities(deps),
      ...createStepActivities(deps),
    },
    interceptors: { activity: [heartbeating] },
    identity: `${hostname()}:${process.pid} deploy-worker ${options.buildId}`,
    maxHeartbeatThrottleInterval: '1s',
    defaultHeartbeatThrottleInterval: '1s',
    stickyQueueScheduleToStartTimeout: STICKY_FOR,
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
  };
}

/** Acts on ledger, server and commands do not know that they heartbeat. */
function heartbeating(context: Context): ActivityInterceptors {
  return {
    inbound: {
      async execute(input, next) {
        const beat = setInterval(() => context.heartbeat(), HEARTBEAT_EVERY);
        try {
          return await next(input);
        } finally {
          clearInterval(beat);
        }
      },
    },
  };
}
