/**
 * A process of its own between lockkeeper and a server it started. It stands in its own session, so Ctrl-C in a terminal
 * reaches lockkeeper and not the server; and it ends the server when lockkeeper is gone, however it went, because then
 * the channel between the two closes. Stopping on purpose is the same thing: lockkeeper closes the channel.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { recordOf } from './processes.ts';

export interface GuardedCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The server's record is kept here, for whoever finds it left over because this guard was killed too. */
  readonly recordFile: string;
  readonly stopSignal: NodeJS.Signals;
  /** How long the server may take to stop before it is killed. */
  readonly graceMs: number;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

if (process.connected) guard(JSON.parse(process.argv[2] ?? '') as GuardedCommand);

function guard({ file, args, cwd, recordFile, stopSignal, graceMs, user }: GuardedCommand): void {
  const server = spawn(file, args, { cwd, ...user, stdio: ['ignore', 'inherit', 'inherit'] });
  const record = server.pid === undefined ? undefined : recordOf(server.pid);
  if (record) writeFileSync(recordFile, JSON.stringify(record));

  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    server.kill(stopSignal);
    setTimeout(() => server.kill('SIGKILL'), graceMs).unref();
  };
  process.on('disconnect', stop);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

  server.on('error', (error) => {
    console.error(`cannot run ${file}: ${error.message}`);
    if (!record) process.exit(127);
  });
  server.on('exit', (code, signal) => {
    process.exit(code ?? 128 + constants.signals[signal ?? 'SIGKILL']);
  });
  // Lockkeeper may be gone by now; then the disconnect says so, and nobody misses the record.
  if (record) process.send?.(record, undefined, undefined, () => undefined);
}
