import { Command } from 'commander';
import { configOption, environmentOption, exits, jsonOption, withExample } from '../options.ts';
import { gatesCloseCommand } from './close.ts';
import { gatesList } from './list.ts';
import { gatesOpenCommand } from './open.ts';

export function gatesCommand(): Command {
  const command = new Command('gates')
    .description('the gates of an environment: which task queues are held back, by whom; close and open them by hand')
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(gatesList))
    .addCommand(gatesCloseCommand())
    .addCommand(gatesOpenCommand());
  return withExample(command, 'lockkeeper gates --environment production');
}
