/**
 * The guard of one command: a process of its own between the command and the one who is responsible for it, so that the
 * command ends when that one is killed. It leads a session and a process group (its parent spawned it detached) and the
 * command runs inside them. It waits for the command as one JSON line on stdin; end of stdin means that its parent is gone
 * or wants the command ended, and silence on it that the parent is frozen. Not for import: `node guard.js`, started by `spawnGuard`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../errors.ts';
import { endProcesses } from './end-processes.ts';
import { finderOf, type Found, type Reach } from './find-processes.ts';
import * as protocol from './guard-protocol.ts';
import { processOf } from './process-table.ts';

/** What a command leaves behind may end by itself this long: `exec > >(tee log)` still writes the last lines. */
const LEFTOVER_GRACE = 500;
const LOOK_EVERY = 25;

// A signal to the whole group (`trap 'kill 0' EXIT` in a script) is meant for the command: the guard must see it through.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const) {
  process.on(name, () => undefined);
}
process.on('uncaughtException', (error) => {
  report({ broken: errorMessage(error) });
  // A guard that cannot guard takes its whole group along, itself included: one call, which nothing in the group outruns.
  process.kill(-process.pid, 'SIGKILL');
});

const parentGone = new Promise<'parentGone'>((resolve) => {
  // Whatever is wrong with stdin, the parent is no longer heard.
  for (const event of ['end', 'close', 'error']) process.stdin.once(event, () => resolve('parentGone'));
});

const spec = await readSpec();
if (spec) await guard(spec);
process.exit(0);

async function guard(spec: protocol.GuardSpec): Promise<void> {
  const command = await start(spec);
  if (!command) return;
  const find = othersOf(spec);
  const exited = new Promise<'exited'>((resolve) => {
    command.once('exit', (code, signal) => {
      report({ exited: { code, signal } });
      resolve('exited');
    });
  });
  const silent = spec.silentForMs === undefined ? [] : [parentSilent(spec.silentForMs)];
  const why = await Promise.race([exited, parentGone, ...silent]);
  if (why !== 'exited') {
    if (why === 'parentSilent')
      report({ broken: `the process that is responsible for it was frozen for ${spec.silentForMs! / 1000} s or more` });
    await endProcesses(() => find('everything'), spec.killAfterMs);
    return;
  }
  // After an end of its own accord only the session is cleared: what a deploy script detached with setsid is a daemon it meant
  // to start. Its background children are not.
  await settle(() => find('session').ours.length === 0, LEFTOVER_GRACE);
  report({ leftovers: await endProcesses(() => find('session'), spec.killAfterMs) });
}

function start(spec: protocol.GuardSpec): Promise<ChildProcess | undefined> {
  return new Promise((resolve) => {
    const failed = (error: unknown) => {
      const noFolder = spec.cwd !== undefined && !existsSync(spec.cwd);
      // For a missing working directory the system says that the program does not exist.
      report({ failedToStart: noFolder ? `its working directory ${spec.cwd} does not exist` : errorMessage(error) });
      resolve(undefined);
    };
    const [program, ...args] = spec.argv;
    try {
      const command = spawn(program, args, {
        ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
        env: spec.env,
        stdio: ['ignore', protocol.COMMAND_STDOUT_FD, protocol.COMMAND_STDERR_FD],
      });
      command.once('error', failed);
      command.once('spawn', () => {
        // Only the command holds its outputs now: the parent sees their end when the command's processes are gone.
        closeSync(protocol.COMMAND_STDOUT_FD);
        closeSync(protocol.COMMAND_STDERR_FD);
        const pid = command.pid ?? 0;
        report({ started: { pid, pgid: process.pid, startTime: processOf(pid)?.startedAt ?? '' } });
        resolve(command);
      });
    } catch (error) {
      failed(error);
    }
  });
}

/** The command's processes, without the guard. */
function othersOf(spec: protocol.GuardSpec): (reach: Reach) => Found {
  const find = finderOf(spec.record);
  return (reach) => {
    const { ours, undecided } = find(reach);
    return { ours: ours.filter((one) => one.pid !== process.pid), undecided };
  };
}

async function settle(isDone: () => boolean, withinMs: number): Promise<void> {
  for (const until = performance.now() + withinMs; !isDone() && performance.now() < until;) await delay(LOOK_EVERY);
}

/** Resolves when the parent has not written a line for so long; our own time out (a machine asleep) does not count. */
async function parentSilent(ms: number): Promise<'parentSilent'> {
  let heard = performance.now();
  process.stdin.on('data', () => (heard = performance.now()));
  for (let looked = heard; performance.now() - heard < ms;) {
    await delay(ms / protocol.KEEPALIVES_PER_SILENCE);
    const now = performance.now();
    if (now - looked > ms / 2) heard = now;
    looked = now;
  }
  return 'parentSilent';
}

/** The spec, or `undefined` when the parent let go before it had given one. */
async function readSpec(): Promise<protocol.GuardSpec | undefined> {
  let text = '';
  const line = new Promise<string>((resolve) => {
    process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.endsWith('\n')) resolve(text);
    });
  });
  const given = await Promise.race([line, parentGone.then(() => undefined)]);
  return given === undefined ? undefined : (JSON.parse(given) as protocol.GuardSpec);
}

function report(line: protocol.GuardReports): void {
  try {
    writeSync(protocol.REPORT_FD, `${JSON.stringify(line)}\n`);
  } catch (error) {
    // Nobody is left to read it; the guard still has the command to end.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}
