#!/usr/bin/env node
import './node-version.ts';
import { CommanderError } from 'commander';
import { EXIT, exitCodeOfError } from './exit-codes.ts';
import { errorJson, usageJson } from './json/errors.ts';
import { createProgram } from './program.ts';
import { explainError, formatError, usageMessage } from './report-error.ts';
import { print, surviveClosedPipes, tell } from './terminal.ts';

surviveClosedPipes();
try {
  await createProgram().parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) {
    // Commander has said what is wrong, or shown the help that was asked for: by `--help`, or by naming no command.
    const shown = thrown.exitCode === 0 || thrown.code === 'commander.help';
    process.exitCode = shown ? EXIT.ok : EXIT.usage;
    if (!shown && wantsJson(process.argv)) print(JSON.stringify(usageJson(usageMessage(thrown.message))));
  } else {
    const error = explainError(thrown);
    tell(formatError(error));
    if (wantsJson(process.argv)) print(JSON.stringify(errorJson(error)));
    process.exitCode = exitCodeOfError(error);
  }
}

/** Whatever stands after `--` is somebody else's command. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? undefined : end).includes('--json');
}
