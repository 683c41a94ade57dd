import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { withJobs } from '../connections.ts';
import { EXIT, exitCodeOfSignal } from '../exit-codes.ts';
import { stopOnSignals } from '../signals.ts';
import { isLive } from '../terminal.ts';
import { jsonDisplay, plainDisplay, screenDisplay } from './displays.ts';
import type { Display } from './displays.ts';
import { Looks } from './look.ts';
import { JOBS_SHOWN } from './read.ts';

export interface WatchBoardOptions {
  readonly json?: boolean;
  /** Milliseconds. */
  readonly interval: number;
}

/** A question that takes longer is not worth waiting for: the next look asks again, milliseconds. */
const QUERY_WITHIN = 5_000;

/** Keeps the board on the screen until it is told to stop, also while Temporal or Postgres is away. */
export function watchBoard(environment: string, { json, interval }: WatchBoardOptions): Promise<number> {
  return withJobs(
    async (connections) => {
      const stop = stopOnSignals();
      const looks = new Looks(connections, environment);
      const display = displayFor(json, interval);
      // Nobody reads any more: there is nothing to keep up to date.
      const gone = new AbortController();
      process.stdout.once('error', () => gone.abort());
      const over = AbortSignal.any([stop.signal, gone.signal]);
      const left = (over.aborted ? Promise.resolve() : once(over, 'abort')).then(() => undefined);
      try {
        for (;;) {
          const look = await Promise.race([looks.next(display.jobs ?? JOBS_SHOWN), left]);
          if (!look) break;
          display.show(look);
          await Promise.race([delay(interval), left]);
        }
      } finally {
        display.end();
      }
      const by = stop.by();
      return by ? exitCodeOfSignal(by) : EXIT.ok;
    },
    { queryTimeoutMs: QUERY_WITHIN },
  );
}

function displayFor(json: boolean | undefined, interval: number): Display {
  if (json) return jsonDisplay();
  return isLive(process.stdout) ? screenDisplay(interval) : plainDisplay();
}
