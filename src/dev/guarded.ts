import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { errorMessage } from '../errors.ts';
import type { GuardedCommand } from './guard.ts';
import { endProcess, isRunning, readRecord, signalTo, type ProcessRecord } from './processes.ts';

export interface GuardedOptions extends GuardedCommand {
  /** For people: `Temporal`, `Postgres`. */
  readonly name: string;
  readonly logFile: string;
  readonly log: (line: string) => void;
}

/** A server that runs under a guard process, see guard.ts. */
export interface Guarded {
  readonly pid: number;
  /** Returns when `probe` succeeds. Throws with the end of the server's log when the server exits or time is up. */
  readonly ready: (probe: () => Promise<void>, timeoutMs: number) => Promise<void>;
  /** Stops the server gracefully, by force after its grace. May be called twice. */
  readonly stop: () => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

const PROBE_EVERY_MS = 50;

/** Starts a server under a guard. It may not be ready yet: see {@link Guarded.ready}. */
export async function startGuarded(options: GuardedOptions): Promise<Guarded> {
  const { name, logFile, log: tell, ...command } = options;
  const log = openSync(logFile, 'a', 0o600);
  const logStart = fstatSync(log).size;
  // Beside this file, and with its extension: .ts from the sources, .js from the package.
  const script = fileURLToPath(new URL(`./guard${extname(import.meta.url)}`, import.meta.url));
  const guard = spawn(process.execPath, [script, JSON.stringify(command)], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const exited = exitOf(guard);
  const logTail = () => readFileSync(logFile).subarray(logStart).toString().trim().split('\n').slice(-12).join('\n');
  const died = async () => {
    const how = await exited;
    throw new Error(`${name} ended (${how}) before it was ready. The end of ${logFile}:\n${logTail()}`);
  };

  const record = await Promise.race([once(guard, 'message').then(([first]) => first as ProcessRecord), died()]);
  let serving = false;
  void exited.then((how) => {
    if (serving) tell(`${name} (pid ${record.pid}) ended by itself (${how}), see ${logFile}`);
  });

  return {
    pid: record.pid,
    ready: async (probe, timeoutMs) => {
      const over = new AbortController();
      const late = () => `${name} is not ready after ${timeoutMs / 1000} s. The end of ${logFile}:\n${logTail()}\n`;
      await Promise.race([untilItSucceeds(probe, timeoutMs, over.signal, late), died()]).finally(() => over.abort());
      serving = true;
    },
    stop: async () => {
      serving = false;
      if (guard.connected) guard.disconnect();
      await exited;
      // Nothing is left to do, unless somebody killed the guard.
      await endProcess(record, command.stopSignal, command.graceMs);
    },
    kill: (signal) => signalTo(record, signal),
  };
}

/** Ends a server that an earlier lockkeeper left behind: everything was killed at once, its guard as well. */
export async function endLeftOver(options: {
  name: string;
  recordFile: string;
  stopSignal: NodeJS.Signals;
  graceMs: number;
  log: (line: string) => void;
}): Promise<void> {
  const record = readRecord(options.recordFile);
  if (record && isRunning(record)) {
    options.log(`ending ${options.name} (pid ${record.pid}), left over from an earlier run`);
    await endProcess(record, options.stopSignal, options.graceMs);
  }
}

async function untilItSucceeds(
  probe: () => Promise<void>,
  timeoutMs: number,
  over: AbortSignal,
  late: () => string,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!over.aborted) {
    try {
      return await probe();
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`${late()}(${errorMessage(error)})`, { cause: error });
    }
    await sleep(PROBE_EVERY_MS);
  }
}

async function exitOf(guard: ChildProcess): Promise<string> {
  const [code, signal] = (await once(guard, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal ?? `exit code ${code}`;
}
