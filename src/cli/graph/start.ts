import { Command } from 'commander';
import { GraphClient } from '../../client/graph-client.ts';
import { loadConfig, loadDefinitions } from '../../config/index.ts';
import { withBoth } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { graphOf, readInput } from '../job/input.ts';
import type { InputOptions } from '../job/input.ts';
import { GraphStarted } from '../json/graphs.ts';
import { printLineAs } from '../json/print.ts';
import { configOption, exits, jsonOption, timeoutOption, withExample } from '../options.ts';
import type { ConfigOptions, JsonOptions } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import { print, tell } from '../terminal.ts';
import { followGraph } from './follow.ts';

export interface GraphStartOptions extends ConfigOptions, JsonOptions, InputOptions {
  readonly id?: string;
  readonly owner?: string;
  readonly wait?: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** Starts a graph; with `wait` shows its progress and ends as it ends. */
export async function graphStart(name: string, options: GraphStartOptions): Promise<number> {
  const { graphs } = await loadDefinitions(await loadConfig(options.config));
  const definition = graphOf(graphs, name);
  const input = await readInput(options);
  return withBoth(async ({ temporal, ledger }) => {
    const client = new GraphClient(temporal.client, ledger);
    const handle = await client.start(definition, input, {
      ...(options.id !== undefined && { id: options.id }),
      ...(options.owner !== undefined && { owner: options.owner }),
    });
    if (options.wait) {
      tell(`graph ${handle.id} started`);
      return followGraph(client, handle, options, stopOnSignals());
    }
    if (options.json) printLineAs(GraphStarted, { id: handle.id, graph: name });
    else print(handle.id);
    return EXIT.ok;
  });
}

export function graphStartCommand(): Command {
  const command = new Command('start')
    .description('start a graph of your config; prints its id')
    .argument('<name>', 'the graph')
    .option('--id <id>', 'its id; the same id again gives the graph that is there (default: a random one)')
    .option('--input <json>', 'its input')
    .option('--input-file <file>', 'a file with its input, JSON')
    .option('--owner <owner>', 'whom it belongs to, and its jobs; a search attribute')
    .option('--wait', 'wait for its end, and print its result instead')
    .addOption(timeoutOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(graphStart));
  return withExample(command, `lockkeeper graph start nightly --id nightly-1 --input '{"repos":["a","b"]}' --wait`);
}
