import { Command } from 'commander';
import { boardCommand } from './board/index.ts';
import { completeCommand, completionCommand } from './completion/index.ts';
import { codecServerCommand } from './codec-server/index.ts';
import { configCommand } from './config.ts';
import { deployCommand } from './deploy/index.ts';
import { deployWorkerCommand } from './deploy-worker.ts';
import { devCommand } from './dev.ts';
import { freezeCommand, unfreezeCommand } from './freeze.ts';
import { gatesCommand } from './gates/index.ts';
import { graphCommand } from './graph/index.ts';
import { helpCommand } from './help.ts';
import { initCommand } from './init/index.ts';
import { jobCommand } from './job/index.ts';
import { keysCommand } from './keys/index.ts';
import { ledgerCommand } from './ledger.ts';
import { noticesCommand } from './notices/index.ts';
import { ownPackage } from './package.ts';
import { formatUsageError } from './report-error.ts';
import { workerCommand } from './worker.ts';

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command('lockkeeper')
    .description(
      'Deploys that lose no work: long jobs on Temporal save their place, step aside for a deploy, and go on.',
    )
    .version(ownPackage().version)
    .addCommand(initCommand())
    .addCommand(devCommand())
    .addCommand(ledgerCommand())
    .addCommand(workerCommand())
    .addCommand(deployWorkerCommand())
    .addCommand(deployCommand())
    .addCommand(jobCommand())
    .addCommand(graphCommand())
    .addCommand(gatesCommand())
    .addCommand(freezeCommand())
    .addCommand(unfreezeCommand())
    .addCommand(boardCommand())
    .addCommand(noticesCommand())
    .addCommand(codecServerCommand())
    .addCommand(keysCommand())
    .addCommand(configCommand())
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExample:\n  $ lockkeeper dev\n\nEvery command has its own --help. Exit codes: lockkeeper help exit-codes',
    );
  program.addCommand(helpCommand(program)).addCommand(completionCommand()).addCommand(completeCommand(program), {
    hidden: true,
  });
  settle(program);
  return program;
}

/** The same manners for every command; Commander hands them down only to commands made by `.command()`. */
function settle(command: Command): void {
  command
    // Else the program's own --version would take that of `deploy run`.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      // Naming no command is a way to ask for the help: that is an answer, not a complaint.
      writeErr: (text) => process.stdout.write(text),
      outputError: (text) => process.stderr.write(formatUsageError(text)),
    });
  command.commands.forEach(settle);
}
