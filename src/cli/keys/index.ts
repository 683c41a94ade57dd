import { Command } from 'commander';
import { keysGenerateCommand } from './generate.ts';
import { keysListCommand } from './list.ts';
import { keysRotateCommand } from './rotate.ts';

export function keysCommand(): Command {
  return new Command('keys')
    .description('the keys by which saved state and payloads are encrypted')
    .addCommand(keysGenerateCommand())
    .addCommand(keysListCommand())
    .addCommand(keysRotateCommand());
}
