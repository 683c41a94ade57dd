import { Command } from 'commander';
import { gatesCloseCommand } from './close.ts';
import { gatesListCommand } from './list.ts';
import { gatesOpenCommand } from './open.ts';

export function gatesCommand(): Command {
  return new Command('gates')
    .description('which task queues are held back, and by whom; close and open them by hand')
    .addCommand(gatesListCommand(), { isDefault: true })
    .addCommand(gatesCloseCommand())
    .addCommand(gatesOpenCommand());
}
