import { Command } from 'commander';
import { withJobs } from '../connections.ts';
import { exits, jsonOption, timeoutOption, withExample } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import type { FollowOptions } from '../until-end.ts';
import { followGraph } from './follow.ts';

/** Shows how a graph gets on until it ends, and ends as it ends. */
export function graphWatch(id: string, options: FollowOptions): Promise<number> {
  return withJobs(({ graphs }) => {
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
