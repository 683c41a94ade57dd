import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { until } from './waiting.ts';

/** How long a process may take to be ready, milliseconds. */
const READY_WITHIN = 60_000;

export interface StartOptions {
  readonly env: NodeJS.ProcessEnv;
  /** File for what it writes. */
  readonly log: string;
  /** What it writes when it is ready. */
  readonly ready: string;
  /** It goes on when this process has ended. */
  readonly detached?: boolean;
  readonly onStarted?: (pid: number | undefined) => void;
}

/** Starts a script that goes on; resolves when it says that it is ready. */
export async function startScript(argv: readonly string[], options: StartOptions): Promise<ChildProcess> {
  const { env, log, ready, detached = false, onStarted } = options;
  const out = openSync(log, 'a');
  const child = spawn(process.execPath, argv, { env, stdio: ['ignore', out, out], detached });
  if (detached) child.unref();
  onStarted?.(child.pid);
  await until(
    () => {
      if (hasEnded(child)) throw new Error(`${argv.join(' ')} has ended; see ${log}`);
      return readFileSync(log, 'utf8').includes(ready);
    },
    `no "${ready}" in ${log}`,
    READY_WITHIN,
  );
  return child;
}

/** SIGTERM; resolves when it has ended. */
export async function endScript(child: ChildProcess | undefined): Promise<void> {
  if (!child || hasEnded(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;
