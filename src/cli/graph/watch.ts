import { Command } from 'commander';
import { GraphClient } from '../../client/graph-client.ts';
import { withBoth } from '../connections.ts';
import { exits, jsonOption, timeoutOption, withExample } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import type { FollowOptions } from '../until-end.ts';
import { followGraph } from './follow.ts';

/** Shows how a graph gets on until it ends, and ends as it ends. */
export function graphWatch(id: string, options: FollowOptions): Promise<number> {
  return withBoth(({ temporal, ledger }) => {
    const graphs = new GraphClient(temporal.client, ledger);
    return followGraph(graphs, graphs.handle(id), options, stopOnSignals());
  });
}

export function graphWatchCommand(): Command {
  const command = new Command('watch')
    .description('show what becomes of its nodes until the graph ends, and end as it ends')
    .argument('<id>', 'the graph')
    .addOption(timeoutOption())
    .addOption(jsonOption())
    .action(exits(graphWatch));
  return withExample(command, 'lockkeeper graph watch nightly-1');
}
