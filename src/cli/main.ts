#!/usr/bin/env node
import './node-version.ts';
import { CommanderError } from 'commander';
import { EXIT, exitCodeOfError } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { explainError, formatError } from './report-error.ts';
import { surviveClosedPipes, tell } from './terminal.ts';

surviveClosedPipes();
try {
  await createProgram().parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) {
    // Commander has said what is wrong, or shown the help that was asked for.
    process.exitCode = thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else {
    const error = explainError(thrown);
    tell(formatError(error));
    process.exitCode = exitCodeOfError(error);
  }
}
