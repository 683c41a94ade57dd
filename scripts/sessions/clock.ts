import type { RecordedTerminal } from './recorded-terminal.ts';

/** What nothing happens in for longer is cut to this, milliseconds. */
const IDLE_AT_MOST = 1_500;
/** How long the end can be read before all begins anew, milliseconds. */
const END = 4_500;

export interface Clock {
  /** When an instant is shown, milliseconds from the beginning. */
  readonly shownAt: (at: number) => number;
  readonly duration: number;
}

/** One clock for all terminals, so that they stay side by side: real time, but for long times in which none shows anything new. */
export function clockOf(terminals: readonly RecordedTerminal[]): Clock {
  const instants = terminals.flatMap(({ shown }) => shown.map(({ at }) => at)).sort((a, b) => a - b);
  const shown = new Map<number, number>();
  let now = 0;
  for (const [i, at] of instants.entries()) {
    now += i === 0 ? 0 : Math.min(at - instants[i - 1]!, IDLE_AT_MOST);
    shown.set(at, now);
  }
  return { shownAt: (at) => shown.get(at)!, duration: Math.round(now + END) };
}
