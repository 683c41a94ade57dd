import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { LogEntry } from '@temporalio/worker';
import type { Logger } from '../log.ts';
import { withoutWords } from '../quiet-log.ts';

let installed = false;
/** Whether some worker of this process has keys: then errors of workflows and activities are logged without their words. */
let quiet = false;

/**
 * Temporal's runtime, once per process: its log lines join ours, and it leaves the signals alone, because a worker of
 * jobs must stop polling and tell its slices in one go.
 */
export function installRuntime(log: Logger, encrypted = false): void {
  quiet ||= encrypted;
  if (installed) return;
  installed = true;
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('WARN', (entry) => forward(log, entry)) });
}

function forward(log: Logger, entry: LogEntry): void {
  const level = entry.level === 'ERROR' ? 'error' : 'warn';
  const { error: thrown, ...meta } = entry.meta ?? {};
  // The whole of a task that could not be begun, with its token.
  delete meta['task'];
  delete meta['taskEncoded'];
  const error: unknown = quiet && thrown !== undefined ? withoutWords(thrown) : thrown;
  log[level](
    { ...meta, ...(error instanceof Error ? { err: error } : error !== undefined && { error }) },
    entry.message,
  );
}
