import { Command } from 'commander';
import { stringify } from 'yaml';
import { loadConfig, loadDefinitions, withQueues } from '../config/index.ts';
import type { Config } from '../config/index.ts';
import { configJsonSchema } from '../config/schema/json-schema.ts';
import { describeEncryption, lookAtEncryption } from './config-encryption.ts';
import { EXIT } from './exit-codes.ts';
import { configOption, exits, jsonOption, withExample } from './options.ts';
import type { ConfigOptions, JsonOptions } from './options.ts';
import { print, printJson } from './terminal.ts';

/** Shows what the config says, with every default. */
export async function configShow(options: ConfigOptions & JsonOptions): Promise<number> {
  const plain = plainConfig(await loadConfig(options.config));
  if (options.json) printJson(plain);
  else print(stringify(plain).trimEnd());
  return EXIT.ok;
}

/** Maps as objects. Values of variables may come from secrets, so only their names are shown. */
export function plainConfig(config: Config): unknown {
  return JSON.parse(
    JSON.stringify(config, (key, value: unknown) => {
      if (value instanceof Map) return Object.fromEntries(value as Map<string, unknown>);
      if (key === 'env' && typeof value === 'object' && value !== null)
        return Object.fromEntries(Object.keys(value).map((name) => [name, '(set)']));
      return value;
    }),
  ) as unknown;
}

/** Loads the config and its jobs, and says what was found. */
export async function configCheck(options: ConfigOptions & JsonOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const { jobs, graphs, taskQueues } = await loadDefinitions(config);
  const { queues } = withQueues(config, taskQueues);
  const found = {
    file: config.file,
    environment: config.environment,
    jobs: jobs.map((job) => job.name),
    graphs: graphs.map((graph) => graph.name),
    queues: queues.map((queue) => queue.taskQueue),
    plans: [...config.plans.keys()],
    encryption: lookAtEncryption(config.encryption),
  };
  if (options.json) printJson(found);
  else {
    print(`${found.file} is fine`);
    const withGraphs = graphs.length > 0 ? ` graphs: ${list(found.graphs)};` : '';
    print(
      `environment ${found.environment}; jobs: ${list(found.jobs)};${withGraphs} queues: ${list(found.queues)}; plans: ${list(found.plans)}`,
    );
    print(`encryption: ${describeEncryption(found.encryption)}`);
  }
  return EXIT.ok;
}

/** Prints the JSON Schema of lockkeeper.yaml, for editors. */
export function configSchema(): Promise<number> {
  printJson(configJsonSchema());
  return Promise.resolve(EXIT.ok);
}

const list = (names: readonly string[]) => names.join(', ') || 'none';

export function configCommand(): Command {
  const show = new Command('show')
    .description('show the config with every default; durations in milliseconds')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(configShow));
  const check = new Command('check')
    .description('check the config and load its jobs')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(configCheck));
  const schema = new Command('schema')
    .description('print the JSON Schema of lockkeeper.yaml, by which editors complete and check it')
    .action(exits(configSchema));
  return new Command('config')
    .description('lockkeeper.yaml')
    .addCommand(withExample(show, 'lockkeeper config show'))
    .addCommand(withExample(check, 'lockkeeper config check --config deploy/lockkeeper.yaml'))
    .addCommand(withExample(schema, 'lockkeeper config schema > lockkeeper.schema.json'));
}
