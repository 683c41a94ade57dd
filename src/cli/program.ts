import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { boardCommand } from './board.ts';
import { configCommand } from './config.ts';
import { deployCommand } from './deploy/index.ts';
import { deployWorkerCommand } from './deploy-worker.ts';
import { devCommand } from './dev.ts';
import { gatesCommand } from './gates/index.ts';
import { jobCommand } from './job/index.ts';
import { ledgerCommand } from './ledger.ts';
import { formatUsageError } from './report-error.ts';
import { workerCommand } from './worker.ts';

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command('lockkeeper')
    .description(
      'Deploys that lose no work: long jobs on Temporal save their place, step aside for a deploy, and go on.',
    )
    .version(packageVersion())
    .addCommand(devCommand())
    .addCommand(ledgerCommand())
    .addCommand(workerCommand())
    .addCommand(deployWorkerCommand())
    .addCommand(deployCommand())
    .addCommand(jobCommand())
    .addCommand(gatesCommand())
    .addCommand(boardCommand())
    .addCommand(configCommand())
    .addHelpText('after', '\nExample:\n  $ lockkeeper dev\n\nEvery command has its own --help.');
  settle(program);
  return program;
}

/** The same manners for every command; Commander hands them down only to commands made by `.command()`. */
function settle(command: Command): void {
  command
    // Else the program's own --version would take that of `deploy run`.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(formatUsageError(text)) });
  command.commands.forEach(settle);
}

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
