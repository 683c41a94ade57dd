import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { milliseconds } from '../duration.ts';
import { errorMessage } from '../errors.ts';
import { MOMENT, isMoment } from '../moment.ts';
import { NAME_PATTERN } from '../protocol.ts';

export interface ConfigOptions {
  readonly config?: string;
}
export interface EnvironmentOptions extends ConfigOptions {
  readonly environment?: string;
}
export interface JsonOptions {
  readonly json?: boolean;
}

export const configOption = () =>
  new Option('--config <file>', 'the lockkeeper.yaml to use (default: the nearest one)');
export const jsonOption = () => new Option('--json', 'print JSON');
export const environmentOption = () =>
  new Option('--environment <name>', 'the environment (default: the one in lockkeeper.yaml)').env(
    'LOCKKEEPER_ENVIRONMENT',
  );
export const timeoutOption = () =>
  new Option('--timeout <duration>', 'how long to wait, such as 30m (default: as long as it takes)').argParser(
    parseDuration,
  );
export const requestedByOption = () =>
  new Option(
    '--requested-by <who>',
    'who asks, for the record (default: LOCKKEEPER_USER, the CI user, or user on host)',
  );

/** `--wait` is the default and may be said all the same. */
export const waitOptions = (what: string) => [
  new Option('--wait', `wait ${what} (default)`).default(true).hideHelp(),
  new Option('--no-wait', `do not wait ${what}`),
];

export function parseDuration(text: string): number {
  try {
    return milliseconds(text);
  } catch (error) {
    throw new InvalidArgumentError(errorMessage(error));
  }
}

/** A moment, as an ISO time in UTC. */
export function parseMoment(text: string): string {
  if (isMoment(text)) return new Date(text).toISOString();
  throw new InvalidArgumentError(`Use ${MOMENT}.`);
}

/** The same, or a duration from now on. */
export function parseUntil(text: string): string {
  if (isMoment(text)) return new Date(text).toISOString();
  try {
    return new Date(Date.now() + milliseconds(text)).toISOString();
  } catch {
    throw new InvalidArgumentError(`Use ${MOMENT}, or a duration such as 2h.`);
  }
}

/** An id that the deploy worker would refuse. */
export function parseDeployId(text: string): string {
  if (NAME_PATTERN.test(text)) return text;
  throw new InvalidArgumentError('Use letters, digits, ".", "_" and "-", at most 100.');
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('Use a port from 1 to 65535, or 0 for a free one.');
}

export function parseCount(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Use a whole number.');
}

/** Collects `--param name=value`; the value may contain further `=`. */
export function parseParameter(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Use name=value.');
  const name = text.slice(0, at);
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`${name} is given twice.`);
  return { ...before, [name]: text.slice(at + 1) };
}

/** Ends the help of a command with an example of its use, and where its exit codes are. */
export function withExample(command: Command, example: string): Command {
  return command.addHelpText('after', `\nExample:\n  $ ${example}\n\nExit codes: lockkeeper help exit-codes`);
}

/**
 * For a worker: ends the process when the function has ended. What jobs have left open, a timer or a socket, must not keep
 * a stopped worker alive.
 */
export function exitsAtOnce<A extends unknown[]>(run: (...args: A) => Promise<number>): (...args: A) => Promise<void> {
  return async (...args) => {
    process.exit(await run(...args));
  };
}

/** Runs a command's function and leaves its exit code to the process, which ends when nothing is open any more. */
export function exits<A extends unknown[]>(run: (...args: A) => Promise<number>): (...args: A) => Promise<void> {
  return async (...args) => {
    process.exitCode = await run(...args);
  };
}
