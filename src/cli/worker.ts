import { Command } from 'commander';
import { ensureSearchAttributes } from '../client/search-attributes.ts';
import { loadConfig, loadDefinitions, withQueues } from '../config/index.ts';
import type { Config } from '../config/index.ts';
import { expectEncryption, findEncryption } from '../crypto/encryption.ts';
import { createLogger } from '../log.ts';
import { withBoth } from './connections.ts';
import { configOption, exitsAtOnce, withExample } from './options.ts';
import type { ConfigOptions } from './options.ts';
import { serve } from './serve.ts';

export interface WorkerOptions extends ConfigOptions {
  readonly buildId?: string;
}

/** Runs a worker of the config's jobs until SIGTERM or SIGINT. */
export async function worker(options: WorkerOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const { jobs, graphs, taskQueues } = await loadDefinitions(config);
  withQueues(config, taskQueues);
  const encryption = expectEncryption(findEncryption(process.env, config.encryption));
  const buildId = buildIdOf(options, config);
  const log = createLogger({ environment: config.environment, buildId });
  return withBoth(
    async ({ temporal, ledger }) => {
      await ensureSearchAttributes(temporal.connection, temporal.namespace);
      const { createWorker } = await import('../workers/worker.ts');
      const created = await createWorker({
        environment: config.environment,
        temporal,
        ledger,
        jobs,
        graphs,
        workflows: config.workflows,
        buildId,
        maxConcurrentSlices: config.worker.maxConcurrentSlices,
        shutdownGrace: config.worker.shutdownGraceMs,
        shutdownForce: config.worker.shutdownForceMs,
        drainDeadline: config.drain.deadlineMs,
        encryption,
        log,
      });
      return serve(created, log);
    },
    { applicationName: 'lockkeeper worker' },
  );
}

/** The command line, then what the platform sets, then the config. */
export function buildIdOf(
  options: WorkerOptions,
  config: Pick<Config, 'worker'>,
  env: NodeJS.ProcessEnv = process.env,
): string {
  return options.buildId || env['TEMPORAL_WORKER_BUILD_ID'] || config.worker.buildId || 'dev';
}

export const buildIdOption = [
  '--build-id <id>',
  'the build this is (default: TEMPORAL_WORKER_BUILD_ID, or worker.buildId of the config)',
] as const;

export function workerCommand(): Command {
  const command = new Command('worker')
    .description('run a worker of your jobs; SIGTERM lets them save their place')
    .addOption(configOption())
    .option(...buildIdOption)
    .action(exitsAtOnce(worker));
  return withExample(command, 'lockkeeper worker --build-id "$(git rev-parse --short HEAD)"');
}
