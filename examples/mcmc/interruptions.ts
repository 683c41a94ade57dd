import type { JobHandle } from 'lockkeeper';
import type { OneMachine } from '../one-machine/one-machine.ts';
import { until } from '../one-machine/waiting.ts';

/** What happens to the chains, in this order, again and again. */
const KINDS = ['SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGTERM', 'deploy'] as const;
export const INTERRUPTIONS = 20;

/**
 * Interrupts the chains, as soon as each has moved since the last time: SIGTERM and SIGKILL to the worker with most of them,
 * whose place a new one takes, and deploys that replace all workers. The last one brings workers that do not pause.
 * @returns how often each kind happened
 */
export async function interrupt(machine: OneMachine, chains: readonly JobHandle[]) {
  const times = { SIGKILL: 0, SIGTERM: 0, deploy: 0 };
  let before = chains.map(() => 0);
  for (let n = 0; n < INTERRUPTIONS; n += 1) {
    before = await allMoved(chains, before);
    const kind = KINDS[n % KINDS.length]!;
    times[kind] += 1;
    const version = `v${times.deploy + 1}`;
    if (n === INTERRUPTIONS - 1) delete machine.env['MCMC_PAUSE'];
    if (kind === 'deploy') {
      await machine.deploy(`release-${version}`, version, { quiet: true });
    } else {
      await machine.strike(kind);
      await machine.startWorker(version);
    }
    process.stdout.write({ SIGKILL: 'k', SIGTERM: 't', deploy: 'D' }[kind]);
  }
  process.stdout.write('\n');
  return times;
}

/** Until all chains are at work at once and have saved something new; returns their checkpoints. */
function allMoved(chains: readonly JobHandle[], before: readonly number[]): Promise<number[]> {
  return until(async () => {
    const rows = await Promise.all(chains.map((chain) => chain.row()));
    if (rows.some((row) => row?.state === 'done')) throw new Error('a chain ended before the last interruption');
    const now = rows.map((row) => row?.seq ?? 0);
    return rows.every((row, i) => row?.state === 'running' && now[i]! > before[i]!) && now;
  }, 'not all chains have gone on');
}
