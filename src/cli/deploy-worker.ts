import { Command } from 'commander';
import { ensureSearchAttributes } from '../client/search-attributes.ts';
import { loadConfig, loadDefinitions, resolvePlan, withQueues } from '../config/index.ts';
import type { Config, ConfigWithQueues } from '../config/index.ts';
import { findEncryption, keyringOf } from '../crypto/encryption.ts';
import { LockkeeperError } from '../errors.ts';
import { checkDatabaseUrl } from '../ledger/database-url.ts';
import { createLogger } from '../log.ts';
import { receiversOf } from '../notices/receivers.ts';
import { withBoth } from './connections.ts';
import { configOption, exitsAtOnce, withExample } from './options.ts';
import { serve } from './serve.ts';
import { buildIdOf, buildIdOption } from './worker.ts';
import type { WorkerOptions } from './worker.ts';

/** Runs the worker of coordinator, deploys and steps until SIGTERM or SIGINT. */
export async function deployWorker(options: WorkerOptions): Promise<number> {
  const config = await knowQueues(await loadConfig(options.config));
  const { environment } = config;
  refuseMalformedUrls(config);
  const receivers = receiversOf(config.notices, process.env);
  // It needs no keys, unless it is to tell what only the holders of the keys can read.
  const keyring = receivers.some(({ details }) => details)
    ? keyringOf(findEncryption(process.env, config.encryption))
    : undefined;
  const buildId = buildIdOf(options, config);
  const log = createLogger({ buildId });
  return withBoth(
    async ({ temporal, ledger }) => {
      await ensureSearchAttributes(temporal.connection, temporal.namespace);
      const { createDeployWorker } = await import('../workers/deploy-worker.ts');
      const created = await createDeployWorker({
        environment,
        temporal,
        ledger,
        taskQueues: config.queues.map((queue) => queue.taskQueue),
        freezeWindows: config.freezeWindows,
        buildId,
        receivers,
        keyring,
        resolvePlan: (name, parameters) => resolvePlan(config, name, parameters),
        databaseUrl: (name) => databaseUrlOf(config, name),
        output: ({ text, ...where }) => log.info(where, text),
        log,
      });
      return serve(created, log);
    },
    { applicationName: 'lockkeeper deploy-worker' },
  );
}

/** Now, and not in the middle of a deploy; one that is not set may belong to a plan that nobody runs here. */
function refuseMalformedUrls({ databases }: Pick<Config, 'databases'>): void {
  for (const { env: variable } of databases.values()) {
    const url = process.env[variable];
    if (url) checkDatabaseUrl(url, variable);
  }
}

/** Only a config without `queues` needs the modules of the jobs here. */
async function knowQueues(config: Config): Promise<ConfigWithQueues> {
  return withQueues(config, config.queues ? [] : (await loadDefinitions(config)).taskQueues);
}

/** @throws {LockkeeperError} CONFIG_INVALID, USAGE when it is no URL of a Postgres */
export function databaseUrlOf(
  config: Pick<Config, 'databases'>,
  name: string,
  env: NodeJS.ProcessEnv = process.env,
): string {
  const variable = config.databases.get(name)?.env;
  if (variable === undefined) {
    throw new LockkeeperError('CONFIG_INVALID', `there is no database \`${name}\``, {
      next: 'Declare it under `databases` in lockkeeper.yaml',
    });
  }
  const url = env[variable];
  if (url) return checkDatabaseUrl(url, variable);
  throw new LockkeeperError('CONFIG_INVALID', `database \`${name}\` is to be found in ${variable}, which is not set`, {
    next: `Set ${variable} for the deploy worker`,
  });
}

export function deployWorkerCommand(): Command {
  const command = new Command('deploy-worker')
    .description('run the worker that drives deploys and runs their steps')
    .addOption(configOption())
    .option(...buildIdOption)
    .action(exitsAtOnce(deployWorker));
  return withExample(command, 'lockkeeper deploy-worker --config /etc/lockkeeper/lockkeeper.yaml');
}
