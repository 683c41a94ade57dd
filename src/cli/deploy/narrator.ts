import type { DeployEvent } from '../../client/run-deploy.ts';
import type { Ledger } from '../../ledger/pool.ts';
import { withLedgerIfThere } from '../connections.ts';
import { statusLine } from '../status-line.ts';
import { paintFor, tell } from '../terminal.ts';
import { Blockers } from './blockers.ts';
import { describeGoingOn, goingOn } from './going-on.ts';
import { NOTHING_TOLD, narrate } from './narrate.ts';
import type { Told } from './narrate.ts';

export interface Narrator {
  readonly onEvent: (event: DeployEvent) => void;
  /** Nothing is told any more; what comes next on the screen is somebody else's. */
  readonly end: () => Promise<void>;
}

/** The command's own standard error comes out between these lines. */
const marked = (text: string) => `${paintFor(process.stderr).dim('lockkeeper:')} ${text}`;

export const tellOfDeploy = (text: string): void => tell(marked(text));

/** Tells people on standard error what happens to a deploy. With a ledger it names the jobs that a drain waits for. */
export function narrator(ledger?: Ledger, deploy?: string): Narrator {
  const line = statusLine();
  const blockers = new Blockers(ledger);
  let told: Told = { ...NOTHING_TOLD, ...(deploy !== undefined && { deploy }) };
  let what: string | undefined;
  let since = 0;
  return {
    onEvent(event) {
      const { told: after, lines } = narrate(told, event);
      told = after;
      lines.forEach((text) => line.tell(marked(text)));
      // Who does a step is no news about what goes on.
      if (event.kind === 'leaseHeld') return;
      const now = goingOn(event);
      if (now?.what !== what) since = performance.now();
      what = now?.what;
      if (!now) return line.hide();
      line.show(() => describeGoingOn(now, performance.now() - since, blockers.of(now.draining)));
    },
    async end() {
      line.hide();
      await blockers.settled();
    },
  };
}

/** Narrates for as long as `body` runs; names the jobs that a drain waits for where DATABASE_URL names the ledger. */
export function narratingWithLedger<T>(body: (onEvent: Narrator['onEvent']) => Promise<T>): Promise<T> {
  return withLedgerIfThere(async (ledger) => {
    const { onEvent, end } = narrator(ledger);
    try {
      return await body(onEvent);
    } finally {
      await end();
    }
  });
}
