import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { LogEntry } from '@temporalio/worker';
import type { Logger } from '../log.ts';

let installed = false;

/**
 * Temporal's runtime, once per process: its log lines join ours, and it leaves the signals alone, because a worker of
 * jobs must stop polling and tell its slices in one go.
 */
export function installRuntime(log: Logger): void {
  if (installed) return;
  installed = true;
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('WARN', (entry) => forward(log, entry)) });
}

function forward(log: Logger, entry: LogEntry): void {
  const level = entry.level === 'ERROR' ? 'error' : 'warn';
  const { error, ...meta } = entry.meta ?? {};
  log[level](
    { ...meta, ...(error instanceof Error ? { err: error } : error !== undefined && { error }) },
    entry.message,
  );
}
