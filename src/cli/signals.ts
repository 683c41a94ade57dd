import { exitCodeOfSignal } from './exit-codes.ts';

export interface Stop {
  /** Fires at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Which one it was. */
  readonly by: () => NodeJS.Signals | undefined;
}

/**
 * Turns the first SIGINT or SIGTERM into an abort, so that the command can end in order. A SIGINT after it ends the
 * process at once: whoever presses Ctrl-C twice does not want to wait.
 */
export function stopOnSignals(): Stop {
  const controller = new AbortController();
  let by: NodeJS.Signals | undefined;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (by === undefined) {
        by = name;
        controller.abort(name);
      } else if (name === 'SIGINT') {
        process.exit(exitCodeOfSignal(name));
      }
    });
  }
  return { signal: controller.signal, by: () => by };
}
