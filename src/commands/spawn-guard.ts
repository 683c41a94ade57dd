import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { LockkeeperError } from '../errors.ts';
import type { CommandOutput } from './command-output.ts';
import {
  COMMAND_STDERR_FD,
  COMMAND_STDOUT_FD,
  KEEPALIVES_PER_SILENCE,
  REPORT_FD,
  type GuardReports,
  type GuardSpec,
} from './guard-protocol.ts';
import { recordOf, type GuardedProcess } from './guarded-process.ts';
import { LineSplitter, OutputTail } from './output.ts';

/** A guard, from its parent's side. It runs nothing until `begin`. */
export interface Guard {
  record: GuardedProcess;
  /** Gives it the command: from here on the command may act. */
  begin(spec: Omit<GuardSpec, 'record'>): void;
  /** Tells it to end the command and itself; may be repeated, and comes by itself when this process ends. */
  letGo(): void;
  /** All it reported, when it has ended, and how that came. */
  ended: Promise<GuardReports & { guardSignal: NodeJS.Signals | null; complaint: string }>;
}

/**
 * Starts a guard as the leader of a session of its own.
 *
 * @throws LockkeeperError `STEP_FAILED` when the system has no process to spare; nothing was run then.
 */
export async function spawnGuard(stdout: CommandOutput, stderr: CommandOutput): Promise<Guard> {
  // The sources run as .ts, the package as .js: the guard lies beside this file and ends as it does.
  const here = fileURLToPath(import.meta.url);
  const script = fileURLToPath(new URL(`./guard${extname(here)}`, import.meta.url));
  const child = spawn(process.execPath, ['--no-warnings', script], {
    detached: true,
    // Empty: NODE_OPTIONS of the parent (an inspector's port, a loader) are not meant for it, and it shows no secrets.
    env: {},
    stdio: ['pipe', 'ignore', 'pipe', 'pipe', stdout.stdio, stderr.stdio],
  });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    stdout.attach(null);
    stderr.attach(null);
    throw new LockkeeperError('STEP_FAILED', 'the guard process of the command could not be started', {
      next: 'Nothing was run; look at the limits of processes, open files and memory on this host',
      cause,
    });
  }
  const stream = (fd: number) => child.stdio[fd] as Readable;
  stdout.attach(stream(COMMAND_STDOUT_FD));
  stderr.attach(stream(COMMAND_STDERR_FD));
  // A guard that died no longer reads; that it died is told by `ended`.
  child.stdin?.on('error', () => undefined);

  const record = recordOf(Number(child.pid));
  return {
    record,
    begin(spec) {
      child.stdin?.write(`${JSON.stringify({ ...spec, record } satisfies GuardSpec)}\n`);
      if (spec.silentForMs === undefined) return;
      const alive = setInterval(
        () => child.stdin?.writable && child.stdin.write('\n'),
        spec.silentForMs / KEEPALIVES_PER_SILENCE,
      );
      child.once('exit', () => clearInterval(alive));
    },
    letGo: () => child.stdin?.end(),
    ended: watch(child, stream(REPORT_FD), stream(2)),
  };
}

async function watch(child: ChildProcess, reportStream: Readable, errors: Readable): Guard['ended'] {
  const reports: GuardReports = {};
  const lines = new LineSplitter((line) => Object.assign(reports, JSON.parse(line) as GuardReports));
  const complaint = new OutputTail(4);
  reportStream.on('data', (chunk: Buffer) => lines.push(chunk));
  errors.on('data', (chunk: Buffer) => complaint.push(chunk));
  const closed = [reportStream, errors].map((one) => finished(one, { writable: false }));
  const [, guardSignal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  // A stream that broke off shows as a report that is missing.
  await Promise.allSettled(closed);
  return { ...reports, guardSignal, complaint: complaint.text().trim() };
}
