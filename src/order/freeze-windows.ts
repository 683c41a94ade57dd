import { Cron } from 'croner';
import type { Freeze } from '../protocol.ts';

/** A time again and again in which no deploy is given the lock. */
export interface FreezeWindow {
  /** When it begins: a cron expression of five fields. */
  readonly cron: string;
  /** The IANA name of the zone whose clocks the expression means. */
  readonly timeZone: string;
  /** How long it takes, milliseconds: real time, whatever the clocks of the zone do meanwhile. */
  readonly forMs: number;
  readonly reason: string;
}

/** The window in force at `now`, of several the one that ends last. Pure. */
export function windowAt(windows: readonly FreezeWindow[], now: number): Freeze | undefined {
  return windows
    .flatMap((window) => inForce(window, now))
    .sort((a, b) => b.until! - a.until!)
    .at(0);
}

function inForce({ cron, timeZone, forMs, reason }: FreezeWindow, now: number): Freeze[] {
  // A window that begins at this very moment has begun.
  const [begun] = new Cron(cron, { timezone: timeZone, mode: '5-part' }).previousRuns(1, new Date(now + 1));
  if (!begun || begun.getTime() + forMs <= now) return [];
  return [{ reason, since: begun.getTime(), until: begun.getTime() + forMs }];
}

/** What is wrong with a cron expression; undefined: nothing. */
export function refuseCron(cron: string): string | undefined {
  try {
    if (new Cron(cron, { mode: '5-part', timezone: 'UTC' }).nextRun() !== null) return undefined;
    return 'it never happens';
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error);
  }
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
