import { Command } from 'commander';
import { GraphClient } from '../../client/graph-client.ts';
import { withBoth } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { GraphRerun } from '../json/graphs.ts';
import { printLineAs } from '../json/print.ts';
import { exits, jsonOption, timeoutOption, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import { print, tell } from '../terminal.ts';
import { followGraph } from './follow.ts';
import { elseNoGraph } from './no-graph.ts';

export interface GraphRerunOptions extends JsonOptions {
  readonly wait?: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** Runs again what did not succeed in a graph that has ended. */
export function graphRerun(id: string, options: GraphRerunOptions): Promise<number> {
  return withBoth(async ({ temporal, ledger }) => {
    const graphs = new GraphClient(temporal.client, ledger);
    const handle = graphs.handle(id);
    const { again, kept } = await elseNoGraph(id, graphs, () => handle.rerun());
    const said = `graph ${id} runs again: ${again} ${again === 1 ? 'node' : 'nodes'}; ${kept} done before ${kept === 1 ? 'keeps its result' : 'keep their results'}`;
    if (options.wait) {
      tell(said);
      return followGraph(graphs, handle, options, stopOnSignals());
    }
    if (options.json) printLineAs(GraphRerun, { id, again, kept });
    else print(said);
    return EXIT.ok;
  });
}

export function graphRerunCommand(): Command {
  const command = new Command('rerun')
    .description('run again what did not succeed in a graph that has ended')
    .argument('<id>', 'the graph')
    .option('--wait', 'wait for its end, and print its result instead')
    .addOption(timeoutOption())
    .addOption(jsonOption())
    .action(exits(graphRerun));
  return withExample(command, 'lockkeeper graph rerun nightly-1 --wait');
}
