import { setTimeout as delay } from 'node:timers/promises';
import { LockkeeperError, errorMessage } from '../errors.ts';
import { openOutput } from './command-output.ts';
import { endGuarded } from './end-guarded.ts';
import { GIVE_UP_AFTER } from './end-processes.ts';
import { GUARD_VARIABLE, markerOf, type GuardedProcess } from './guarded-process.ts';
import { spawnGuard, type Guard } from './spawn-guard.ts';

export { endGuarded } from './end-guarded.ts';
export type { GuardedProcess } from './guarded-process.ts';

/** A command to run under a guard. Its stdin is empty; there is no shell unless `argv` names one. */
export interface GuardedCommand {
  argv: readonly [string, ...string[]];
  cwd?: string;
  /** Added to the environment of this process. Never on a command line, so not in the process list. */
  env?: Record<string, string>;
  /** Gets the output as it comes; without it the output is thrown away. What it throws ends the command. */
  stdout?: (chunk: Buffer) => void;
  stderr?: (chunk: Buffer) => void;
  /** From SIGTERM to SIGKILL when the command is ended, milliseconds. */
  killAfterMs: number;
  /** How long this process may be frozen until its guard ends the command in its stead, milliseconds; left out: for ever. */
  silentForMs?: number;
  /** Is awaited before the command's program begins: the place to record what `endGuarded` needs. If it throws, nothing is run. */
  onStarted?: (guarded: GuardedProcess) => Promise<void> | void;
  /** Ends the command. */
  signal?: AbortSignal;
}

export interface CommandEnd {
  /** `null` when it was ended by a signal. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Processes it left running in its session, which were ended. What it detached with setsid is left alone. */
  leftovers: number;
}

/**
 * Runs a command that cannot outlive this process: when this one ends in any way, SIGKILL included, the command's guard ends
 * all its processes. Any exit code is a result, not an error.
 *
 * Whatever it rejects with, the command's processes are proven gone before (see `finderOf` for what that covers), or the error
 * says which are left. For a process frozen with SIGSTOP the guard ends the command after `silentForMs`.
 *
 * @throws the reason of `signal`, or whatever `onStarted` or an output callback threw.
 * @throws LockkeeperError `STEP_FAILED`: the program could not be started; the guard was killed, and how the command would
 *   have ended is not known; or processes are left that could not be ended.
 *
 * @example
 * const end = await runGuarded({
 *   argv: ['./deploy.sh', '--to', 'production'],
 *   killAfterMs: 5_000,
 *   onStarted: (guard) => ledger.recordGuard(step, guard),
 *   stdout: (chunk) => process.stdout.write(chunk),
 *   signal: Context.current().cancellationSignal,
 * });
 */
export async function runGuarded(command: GuardedCommand): Promise<CommandEnd> {
  command.signal?.throwIfAborted();
  refuseWindows();
  const failure = new AbortController();
  const stop = command.signal ? AbortSignal.any([command.signal, failure.signal]) : failure.signal;
  const stdout = await openOutput(command.stdout, (error) => failure.abort(error));
  const stderr = await openOutput(command.stderr, (error) => failure.abort(error));
  const drained = () => Promise.all([stdout.drained(), stderr.drained()]);
  const guard = await spawnGuard(stdout, stderr);
  try {
    stop.throwIfAborted();
    await unlessAborted(stop, Promise.resolve(command.onStarted?.(guard.record)));
    begin(guard, command);
    const end = await unlessAborted(stop, guard.ended);
    await drained();
    failure.signal.throwIfAborted();
    return endOf(command, end);
  } catch (error) {
    await endAll(guard, command.killAfterMs, error);
    await drained();
    throw error;
  }
}

function begin(guard: Guard, command: GuardedCommand): void {
  // A command may run lockkeeper again: the inner one's processes keep the mark of the outer one too.
  const marks = [process.env[GUARD_VARIABLE], markerOf(guard.record)].filter(Boolean).join(' ');
  guard.begin({
    argv: command.argv,
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    env: { ...process.env, ...command.env, [GUARD_VARIABLE]: marks },
    killAfterMs: command.killAfterMs,
    ...(command.silentForMs !== undefined && { silentForMs: command.silentForMs }),
  });
}

/** Lets the guard end the command, then looks again from here: the guard may have been killed, or be frozen. */
async function endAll(guard: Guard, killAfterMs: number, reason: unknown): Promise<void> {
  guard.letGo();
  await Promise.race([guard.ended, delay(killAfterMs + GIVE_UP_AFTER, undefined, { ref: false })]);
  try {
    await endGuarded(guard.record, killAfterMs);
  } catch (error) {
    throw new LockkeeperError('STEP_FAILED', errorMessage(error), { cause: reason });
  }
}

function endOf(command: GuardedCommand, end: Awaited<Guard['ended']>): CommandEnd {
  const program = command.argv[0];
  if (end.failedToStart !== undefined) {
    throw new LockkeeperError('STEP_FAILED', `the command ${program} could not be started: ${end.failedToStart}`, {
      next: 'Check that it is installed, executable and on the PATH of the process that runs it',
    });
  }
  if (end.exited && end.leftovers !== undefined) return { ...end.exited, leftovers: end.leftovers };

  const how = end.broken ?? (end.complaint || `it ended by ${end.guardSignal ?? 'itself'}`);
  const known = end.exited
    ? `The command itself had ended with ${end.exited.signal ?? `code ${String(end.exited.code)}`}`
    : end.started
      ? 'The command was running, and whether its work was done is not known'
      : 'The command had not reported its start';
  throw new LockkeeperError(
    'STEP_FAILED',
    `the guard of ${program} failed: ${how}. ${known}; what was left of it was ended`,
    {
      next: 'Look for an out-of-memory kill, or a `kill -9` of the whole group in the command, and check what it had done',
    },
  );
}

function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function refuseWindows(): void {
  if (process.platform !== 'win32') return;
  throw new LockkeeperError('STEP_FAILED', 'a command can be guarded on Linux and macOS only, and this is Windows', {
    next: 'Run the deploy worker and `lockkeeper deploy run` on one of these',
  });
}
