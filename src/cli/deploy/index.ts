import { Command } from 'commander';
import { deployFinishCommand } from './finish.ts';
import { deployListCommand } from './list.ts';
import { deployOperateCommands } from './operate.ts';
import { deployOrderCommands } from './order.ts';
import { deployRunCommand } from './run.ts';
import { deployShowCommand } from './show.ts';
import { deployStartCommand } from './start.ts';
import { deployWatchCommand } from './watch.ts';

export function deployCommand(): Command {
  const command = new Command('deploy')
    .description('ask for deploys, take part in them, look at them')
    .addCommand(deployRunCommand())
    .addCommand(deployStartCommand())
    .addCommand(deployFinishCommand())
    .addCommand(deployWatchCommand())
    .addCommand(deployShowCommand())
    .addCommand(deployListCommand());
  deployOrderCommands().forEach((operation) => command.addCommand(operation));
  deployOperateCommands().forEach((operation) => command.addCommand(operation));
  return command;
}
