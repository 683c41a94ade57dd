import { Command } from 'commander';
import { graphCancelCommand } from './cancel.ts';
import { graphListCommand } from './list.ts';
import { graphRerunCommand } from './rerun.ts';
import { graphShowCommand } from './show.ts';
import { graphStartCommand } from './start.ts';
import { graphWatchCommand } from './watch.ts';

export function graphCommand(): Command {
  return new Command('graph')
    .description('start graphs of jobs, look at them, run again what failed')
    .addCommand(graphStartCommand())
    .addCommand(graphListCommand())
    .addCommand(graphShowCommand())
    .addCommand(graphWatchCommand())
    .addCommand(graphCancelCommand())
    .addCommand(graphRerunCommand());
}
