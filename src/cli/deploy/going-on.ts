import { formatWholeSeconds } from '../../duration.ts';
import type { DeployEvent } from '../../client/run-deploy.ts';
import type { BlockingJobs } from '../../ledger/blocking-jobs.ts';
import { formatTime } from '../table.ts';
import { describeBlockers } from './blockers.ts';

/** What goes on with a deploy, for a line that counts its seconds. */
export interface GoingOn {
  readonly what: string;
  /** Queues and participants that are not drained yet. */
  readonly draining: readonly string[];
}

/** What an event says is going on now; undefined: something that shows itself, such as the command's own output. Pure. */
export function goingOn(event: Exclude<DeployEvent, { kind: 'leaseHeld' }>): GoingOn | undefined {
  switch (event.kind) {
    case 'requested':
      return going(`asked for deploy ${event.ticket.deploy}`);
    case 'waiting':
      return going(waitingWords(event));
    case 'status': {
      const { phase, held, draining } = event.status;
      if (held) return going(`held for a person: ${held.reason}`);
      return { what: phase, draining: phase.startsWith('draining') ? draining : [] };
    }
    case 'noAnswer':
      return going('nobody answers, trying again');
    case 'runLost':
      return going(`cleaning up after a run that ended as ${event.how}`);
    case 'commandStarted':
      return undefined;
    case 'commandEnded':
    case 'leaseLost':
      return going(`step ${event.step} has ended`);
  }
}

function waitingWords({ ahead, waitsFor, freeze }: Extract<DeployEvent, { kind: 'waiting' }>): string {
  if (waitsFor?.kind === 'approval') return 'waiting for approval';
  if (waitsFor) return `scheduled for ${formatTime(new Date(waitsFor.at))}`;
  if (ahead.length > 0) return `waiting for deploy ${ahead.join(', ')}`;
  return freeze ? `frozen: ${freeze.reason}` : 'next in line';
}

const going = (what: string): GoingOn => ({ what, draining: [] });

/** `draining, 12 s; imports: import-7 and 3 more; reports`. Pure. */
export function describeGoingOn({ what, draining }: GoingOn, ms: number, blockers: readonly BlockingJobs[]): string {
  return [`${what}, ${formatWholeSeconds(ms)}`, ...draining.map((queue) => describeBlockers(queue, blockers))].join(
    '; ',
  );
}
