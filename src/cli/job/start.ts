import { Command } from 'commander';
import { loadConfig, loadJobs } from '../../config/index.ts';
import { expectEncryption, findEncryption } from '../../crypto/encryption.ts';
import { withJobs } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { JobStarted } from '../json/jobs.ts';
import { printLineAs } from '../json/print.ts';
import { configOption, exits, jsonOption, timeoutOption, withExample } from '../options.ts';
import type { ConfigOptions, JsonOptions } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import { print, tell } from '../terminal.ts';
import { follow } from './follow.ts';
import { checkInput, definitionOf, readInput } from './input.ts';
import type { InputOptions } from './input.ts';

export interface JobStartOptions extends ConfigOptions, JsonOptions, InputOptions {
  readonly id?: string;
  readonly owner?: string;
  readonly wait?: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** Starts a job; with `wait` shows its progress and ends as it ends. */
export async function jobStart(name: string, options: JobStartOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const definition = definitionOf(await loadJobs(config), name);
  const input = await readInput(options);
  checkInput(definition, input);
  const encryption = expectEncryption(findEncryption(process.env, config.encryption));
  return withJobs(
    async ({ jobs }) => {
      const handle = await jobs.start(definition, input, {
        ...(options.id !== undefined && { id: options.id }),
        ...(options.owner !== undefined && { owner: options.owner }),
      });
      if (options.wait) {
        tell(`job ${handle.id} started`);
        return follow(jobs, handle, options, stopOnSignals());
      }
      if (options.json) printLineAs(JobStarted, { id: handle.id, job: name });
      else print(handle.id);
      return EXIT.ok;
    },
    { encryption },
  );
}

export function jobStartCommand(): Command {
  const command = new Command('start')
    .description('start a job of your config; prints its id')
    .argument('<name>', 'the job')
    .option('--id <id>', 'its id; the same id again gives the job that is there (default: a random one)')
    .option('--input <json>', 'its input')
    .option('--input-file <file>', 'a file with its input, JSON')
    .option('--owner <owner>', 'whom it belongs to, a name or a mail address: who is told of what becomes of it')
    .option('--wait', 'wait for its end, and print its result instead')
    .addOption(timeoutOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(jobStart));
  return withExample(command, `lockkeeper job start importCities --id import-7 --input '{"file":"cities.csv"}' --wait`);
}
