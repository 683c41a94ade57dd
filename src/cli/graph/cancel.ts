import { Command } from 'commander';
import { GraphClient } from '../../client/graph-client.ts';
import { withBoth } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { GraphCancelled } from '../json/graphs.ts';
import { printLineAs } from '../json/print.ts';
import { exits, jsonOption, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { print } from '../terminal.ts';
import { elseNoGraph } from './no-graph.ts';

/** Asks a graph to end: its running jobs are cancelled, the others never begin. */
export async function graphCancel(id: string, options: JsonOptions): Promise<number> {
  await withBoth(({ temporal, ledger }) => {
    const graphs = new GraphClient(temporal.client, ledger);
    return elseNoGraph(id, graphs, () => graphs.handle(id).cancel());
  });
  if (options.json) printLineAs(GraphCancelled, { id, cancelRequested: true });
  else print(`graph ${id} is told to end; \`lockkeeper graph watch ${id}\` shows when it has`);
  return EXIT.ok;
}

export function graphCancelCommand(): Command {
  const command = new Command('cancel')
    .description('ask a graph to end; its running jobs are cancelled')
    .argument('<id>', 'the graph')
    .addOption(jsonOption())
    .action(exits(graphCancel));
  return withExample(command, 'lockkeeper graph cancel nightly-1');
}
