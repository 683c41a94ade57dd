import { Command } from 'commander';
import { noticesListCommand } from './list.ts';
import { noticesTestCommand } from './test.ts';

export function noticesCommand(): Command {
  return new Command('notices')
    .description('what is to be told of jobs and deploys, and whether it arrives')
    .addCommand(noticesListCommand(), { isDefault: true })
    .addCommand(noticesTestCommand());
}
