import { Client } from '@temporalio/client';
import type { Worker, WorkerOptions } from '@temporalio/worker';
import { clusterIdOf } from '../client/connection.ts';
import { readingClient } from '../client/reading-client.ts';
import { ensureSearchAttributes } from '../client/search-attributes.ts';
import { keyringOf } from '../crypto/encryption.ts';
import type { Encryption } from '../crypto/encryption.ts';
import { DRAIN_DEADLINE } from '../defaults.ts';
import { durationOf } from '../duration.ts';
import { LockkeeperError } from '../errors.ts';
import type { AnyJob } from '../jobs/define-job.ts';
import { databaseUrl } from '../ledger/database-url.ts';
import { openLedger } from '../ledger/pool.ts';
import type { Ledger } from '../ledger/pool.ts';
import { createLogger } from '../log.ts';
import type { Logger } from '../log.ts';
import { expectKeys } from './expect-keys.ts';
import { JobHost, prepareLedger } from './job-host.ts';
import { expectMadeForJobs } from './join-workflows.ts';
import type { LockkeeperPluginOptions } from './plugin.ts';

/** What one Worker got. */
export interface Plugged {
  readonly host: JobHost;
  /** Closes what was opened for this Worker alone. */
  readonly close: () => Promise<void>;
}

const invalid = (what: string, next: string) => new LockkeeperError('CONFIG_INVALID', what, { next });

/** @throws {LockkeeperError} CONFIG_INVALID */
export async function expectWorkflows(
  worker: WorkerOptions,
  { workflows }: LockkeeperPluginOptions,
  encryption: Encryption,
): Promise<void> {
  if (worker.workflowBundle) return expectMadeForJobs(worker.workflowBundle, encryption !== 'plaintext');
  if (worker.workflowsPath !== undefined || workflows === 'elsewhere') return;
  throw invalid(
    `the Worker of ${worker.taskQueue} has neither workflowsPath nor workflowBundle, and jobs are workflows`,
    "Give it one of them; a worker of jobs alone is made by `createWorker`; and if another Worker runs this queue's workflows, say `workflows: 'elsewhere'`",
  );
}

/** Makes what a Worker needs to run jobs. @throws {LockkeeperError} CONFIG_INVALID, LEDGER_SCHEMA and others */
export async function plug(
  worker: WorkerOptions,
  options: LockkeeperPluginOptions,
  encryption: Encryption,
): Promise<Plugged> {
  const { taskQueue, connection, namespace = 'default' } = worker;
  const { environment, jobs, log = createLogger({ environment, taskQueue }) } = options;
  if (!connection)
    throw invalid('the Worker has no connection', 'Give it one: `await NativeConnection.connect({ … })`');
  expectJobs(jobs, taskQueue);
  const taskQueues = [taskQueue];
  const clusterId = await clusterIdOf(connection);
  await ensureSearchAttributes(connection, namespace);
  await withLedger(options, namespace, log, async (ledger) => {
    await prepareLedger(ledger, { clusterId, environment, taskQueues });
    await expectKeys(ledger, encryption);
  });
  const { ledger, close } = ledgerFor(options, namespace, log);
  const host = new JobHost({
    environment,
    client: readingClient(new Client({ connection, namespace }), encryption),
    ledger,
    keyring: keyringOf(encryption),
    jobs,
    taskQueues,
    buildId: options.buildId ?? worker.workerDeploymentOptions?.version.buildId ?? worker.buildId ?? 'dev',
    drainDeadlineMs: durationOf('drainDeadline', options.drainDeadline ?? DRAIN_DEADLINE),
    log,
  });
  return { host, close };
}

function expectJobs(jobs: readonly AnyJob[], taskQueue: string): void {
  if (jobs.some((job) => job.taskQueue === taskQueue)) return;
  const others = [...new Set(jobs.map((job) => job.taskQueue))];
  throw invalid(
    `none of the jobs is on the Worker's task queue ${taskQueue}; ${others.length > 0 ? `they are on ${others.join(', ')}` : 'there are none'}`,
    'Correct the `taskQueue` of the Worker or of a job',
  );
}

/** Nothing is connected before the first query: a Worker that could not be created leaves nothing open. */
function ledgerFor({ ledger: given }: LockkeeperPluginOptions, namespace: string, log: Logger) {
  if (given && given.namespace !== namespace)
    throw invalid(
      `the ledger was opened for namespace ${given.namespace}, and the Worker is in ${namespace}`,
      'Open it for the namespace of the Worker',
    );
  const ledger =
    given ?? openLedger({ databaseUrl: databaseUrl(), namespace, applicationName: 'lockkeeper plugin', log });
  return { ledger, close: async () => (given ? undefined : ledger.close()) };
}

async function withLedger(
  options: LockkeeperPluginOptions,
  namespace: string,
  log: Logger,
  body: (ledger: Ledger) => Promise<void>,
): Promise<void> {
  const { ledger, close } = ledgerFor(options, namespace, log);
  try {
    await body(ledger);
  } finally {
    await close();
  }
}

/** Runs a Worker together with what it got. */
export async function runPlugged(worker: Worker, next: (w: Worker) => Promise<void>, plugged: Plugged): Promise<void> {
  const { host } = plugged;
  const shutdown = worker.shutdown.bind(worker);
  // Whoever shuts it down, signals included, comes through here; the SDK tells activities only when the grace time is over.
  worker.shutdown = () => host.stop('the Worker is shut down', shutdown);
  // Not before `next`: `runUntil` takes it that the Worker runs once it was told to. Slices wait for the session.
  const opened = host.open().then(
    () => host.tellReady(),
    (error: unknown) => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      throw error;
    },
  );
  const ran = next(worker).catch((error: unknown) => {
    host.stop('the Worker failed', () => undefined);
    throw error;
  });
  const ends = await Promise.allSettled([opened, ran]);
  await host.close();
  await plugged.close();
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
