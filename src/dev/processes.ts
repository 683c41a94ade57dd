import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Names one process for good: a pid is used again, by then with another start. */
export interface ProcessRecord {
  readonly pid: number;
  readonly started: string;
}

/** The record of a running process, or undefined when there is none (a zombie does not run). */
export function recordOf(pid: number): ProcessRecord | undefined {
  const started = process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid);
  return started === undefined ? undefined : { pid, started };
}

export function isRunning(record: ProcessRecord): boolean {
  return recordOf(record.pid)?.started === record.started;
}

/** The record kept in a file, or undefined when there is no file or nothing that can be read as one. */
export function readRecord(file: string): ProcessRecord | undefined {
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessRecord>;
    return found.pid && found.started ? { pid: found.pid, started: found.started } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Ends a process: `signal`, and SIGKILL when it still runs after `graceMs`. Returns when it is gone. */
export async function endProcess(record: ProcessRecord, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  const killAt = Date.now() + graceMs;
  const giveUpAt = killAt + 5_000;
  signalTo(record, signal);
  while (isRunning(record)) {
    if (Date.now() > giveUpAt) throw new Error(`process ${record.pid} still runs 5 s after SIGKILL`);
    if (Date.now() > killAt) signalTo(record, 'SIGKILL');
    await sleep(20);
  }
}

/** Signals the process of the record, and nobody who got its pid later. */
export function signalTo(record: ProcessRecord, signal: NodeJS.Signals): void {
  if (!isRunning(record)) return;
  try {
    process.kill(record.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function startOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name stands in brackets and may hold anything; state is the first field after it, the start the 20th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${fields[19]} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

function startByPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line.startsWith('Z') ? undefined : line.slice(line.indexOf(' ')).trim();
  } catch (error) {
    // ps exits with 1 when there is no such process.
    if ((error as { status?: number }).status === 1) return undefined;
    throw error;
  }
}
