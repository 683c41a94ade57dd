import type { BundlerPlugin, WorkerPlugin } from '@temporalio/worker';
import type { Encryption } from '../crypto/encryption.ts';
import type { Duration } from '../duration.ts';
import { LockkeeperError } from '../errors.ts';
import type { AnyJob } from '../jobs/define-job.ts';
import type { Ledger } from '../ledger/pool.ts';
import type { Logger } from '../log.ts';
import { SLICE_ACTIVITY } from '../protocol.ts';
import { joinWorkflows } from './join-workflows.ts';
import { expectWorkflows, plug, runPlugged } from './plugged-worker.ts';
import type { Plugged } from './plugged-worker.ts';
import { settingsForJobs } from './temporal-settings.ts';
import { encryptionFor, withEncryption } from './worker-encryption.ts';

export interface LockkeeperPluginOptions {
  /** Whose deploys pause the Worker's task queue. */
  readonly environment: string;
  /** What the Worker can run; at least one of them on its task queue. */
  readonly jobs: readonly AnyJob[];
  /** A ledger that is open already; it stays open. Left out: the one at `DATABASE_URL`, for as long as the Worker runs. */
  readonly ledger?: Ledger;
  /** The Worker's own build id unless said otherwise, `dev` where it has none. */
  readonly buildId?: string;
  /** How long a transaction of this Worker may be idle once it is frozen: the drain's deadline, 60 s unless said otherwise. */
  readonly drainDeadline?: Duration;
  /**
   * `elsewhere`: this Worker runs activities only, and another one of the same task queue runs the workflows, with
   * {@link workflowsOfJobs} in its `plugins`.
   */
  readonly workflows?: 'elsewhere';
  /**
   * Keys for what jobs save in the ledger and for everything that this Worker sends to Temporal, or `plaintext`: nothing is
   * encrypted. LOCKKEEPER_KEY_FILE or LOCKKEEPER_KEYS unless given; `keyring.acceptingPlaintext()` also reads what was saved
   * before there was one. Clients of its other workflows then need `lockkeeperDataConverter`.
   */
  readonly encryption?: Encryption;
  readonly log?: Logger;
}

/** Of Temporal's `plugins`, for Workers and for bundles of workflows. */
export type LockkeeperPlugin = Required<Pick<WorkerPlugin, 'configureWorker' | 'runWorker'>> & Required<BundlerPlugin>;

/**
 * Lets a Temporal Worker that you have already run jobs beside its own workflows and activities. Whatever holds for
 * `lockkeeper worker` holds for it: its jobs save their place when a deploy closes the gate of its task queue or the Worker
 * is shut down (in whichever way), and go on elsewhere when its process dies. The deploy also holds back the other
 * activities of the queue.
 *
 * Some settings of the Worker get other defaults than Temporal's: no eager dispatch of activities, 20 s of
 * `shutdownGraceTime`, 25 s of `shutdownForceTime`. One plugin may serve several Workers.
 *
 * `Worker.create` throws {@link LockkeeperError}:
 * - SETTING_BREAKS_LAW when the Worker is set up so that jobs could be lost or a deploy's pause evaded; it says what to set
 * - CONFIG_INVALID without workflows, a connection or a job on its task queue, or with workflows that cannot be joined
 * - KEYRING_MISSING when it is not said how to encrypt, KEYRING_INVALID, KEY_MISSING
 * - LEDGER_SCHEMA, LEDGER_WRONG_CLUSTER, QUEUE_OF_ANOTHER_ENVIRONMENT, TEMPORAL_TOO_OLD, USAGE (no `DATABASE_URL`)
 *
 * and `worker.run()` LEDGER_POOLED.
 * @example
 * const lockkeeper = lockkeeperPlugin({ environment: 'production', jobs: [importCities] });
 * const worker = await Worker.create({ connection, taskQueue, workflowsPath, activities, plugins: [lockkeeper] });
 * await worker.run();
 */
export function lockkeeperPlugin(options: LockkeeperPluginOptions): LockkeeperPlugin {
  /** By the activity that a Worker got from here: it is all that a Worker has in common with the options it was made of. */
  const plugged = new WeakMap<object, Plugged>();
  return {
    name: 'lockkeeper',
    configureBundler: joinWorkflows,
    async configureWorker(worker) {
      const settings = settingsForJobs(worker);
      const encryption = encryptionFor(worker, options.encryption);
      const dataConverter = withEncryption(worker.dataConverter, encryption, worker.namespace ?? 'default');
      await expectWorkflows(worker, options, encryption);
      const made = await plug(worker, options, encryption);
      const { activities } = made.host;
      plugged.set(activities[SLICE_ACTIVITY], made);
      return {
        ...worker,
        ...settings,
        dataConverter,
        activities: { ...worker.activities, ...activities },
      };
    },
    runWorker(worker, next) {
      const slice = worker.options.activities.get(SLICE_ACTIVITY);
      const found = slice && plugged.get(slice);
      if (found) return runPlugged(worker, next, found);
      throw new LockkeeperError(
        'SETTING_BREAKS_LAW',
        'a plugin after lockkeeper took away the activity that runs jobs',
        {
          next: 'Put lockkeeper last among the plugins',
        },
      );
    },
  };
}
