import type { DeployEvent } from '../../client/run-deploy.ts';
import { CODE } from '../../protocol.ts';
import type { DeployStatus, DeployTicket, StepRecord } from '../../protocol.ts';
import { formatTime } from '../table.ts';
import { describeTicket } from './order.ts';
import { waitingLines } from './waiting.ts';

/** What has been told of a deploy, so that nothing is told at every look. */
export interface Told {
  /** Whose news these are, once that is known. */
  readonly deploy?: string;
  readonly waiting?: string;
  readonly phase?: string;
  readonly drained?: boolean;
  readonly held?: string;
  readonly lost?: string;
  readonly holder?: string;
  readonly steps: Readonly<Record<number, string>>;
  /** Nobody answered at the last look. */
  readonly silent?: boolean;
}
export const NOTHING_TOLD: Told = { steps: {} };

export interface Narration {
  readonly told: Told;
  readonly lines: readonly string[];
}

/** What is new in an event, as lines for people; each change once, however often it is seen. Pure. */
export function narrate(told: Told, event: DeployEvent): Narration {
  switch (event.kind) {
    case 'requested':
      return requested(told, event.ticket);
    case 'waiting':
      return waiting(answered(told), event);
    case 'status':
      return status(answered(told), event.status);
    case 'noAnswer':
      return {
        told: { ...told, silent: true },
        lines: told.silent ? [] : [`Nobody answers, trying again: ${event.reason}`],
      };
    case 'runLost':
      return runLost(answered(told), event.how);
    case 'leaseHeld':
      return leaseHeld(told, event);
    case 'commandStarted':
      return { told, lines: [`Running your command for step ${event.step}`] };
    case 'commandEnded':
      return {
        told,
        lines: [`Your command ended: ${'reason' in event.outcome ? event.outcome.reason : event.outcome.kind}`],
      };
    case 'leaseLost':
      return {
        told,
        lines: [
          event.how === 'cancelled'
            ? `Step ${event.step} was cancelled; your command was ended`
            : `The lease of step ${event.step} is lost; your command was ended`,
        ],
      };
  }
}

function leaseHeld(told: Told, { step, holder }: Extract<DeployEvent, { kind: 'leaseHeld' }>): Narration {
  const key = `${step} ${holder.pid} ${holder.host}`;
  if (told.holder === key) return { told, lines: [] };
  const { pid, host, takenAt } = holder;
  const since = takenAt ? ` since ${formatTime(takenAt)}` : '';
  return {
    told: { ...told, holder: key },
    lines: [`Step ${step} is being done by process ${pid} on ${host}${since}; your command is not run`],
  };
}

function requested(told: Told, ticket: DeployTicket): Narration {
  return { told: { ...told, deploy: ticket.deploy }, lines: [`Deploy ${ticket.deploy} ${describeTicket(ticket)}`] };
}

function answered({ silent, ...told }: Told): Narration {
  return { told, lines: silent ? ['There is an answer again'] : [] };
}

function runLost({ told, lines }: Narration, how: string): Narration {
  if (told.lost === how) return { told, lines };
  return {
    told: { ...told, lost: how },
    lines: [...lines, `Its run ended as ${how}; what it left is being stopped and opened`],
  };
}

function waiting({ told, lines }: Narration, news: Extract<DeployEvent, { kind: 'waiting' }>): Narration {
  const { ahead, waitsFor, freeze } = news;
  const now = JSON.stringify({ ahead, waitsFor, freeze });
  if (told.waiting === now) return { told, lines };
  return { told: { ...told, waiting: now }, lines: [...lines, ...waitingLines(told.deploy ?? '<id>', news)] };
}

function status(before: Narration, now: DeployStatus): Narration {
  // Seen late, a step may have ended while it is still the phase: it is told to begin before it is told to have ended.
  const endedAlready = now.steps.some((step) => now.phase.includes(`step ${step.n},`) && isTold(step));
  const order = endedAlready ? [drained, phase, stepChanges, held] : [drained, stepChanges, phase, held];
  return order.reduce<Narration>((so, part) => {
    const { told, lines } = part(so.told, now);
    return { told, lines: [...so.lines, ...lines] };
  }, before);
}

const unchanged = (told: Told): Narration => ({ told, lines: [] });

/** Phases that something else tells, or that say nothing to the one who waits. */
const SILENT_PHASES = ['starting', 'held for a person', 'finished'];

function phase(told: Told, now: DeployStatus): Narration {
  const draining = now.phase.startsWith('draining');
  // Nothing left to drain: that it is drained is told by its code.
  if (SILENT_PHASES.includes(now.phase) || (draining && now.draining.length === 0))
    return unchanged({ ...told, phase: now.phase });
  const left = now.draining.join(', ');
  const text = now.phase.endsWith(left) ? now.phase : `${now.phase}: ${left}`;
  if (told.phase === text) return unchanged(told);
  return { told: { ...told, phase: text }, lines: [`${text.charAt(0).toUpperCase()}${text.slice(1)}`] };
}

function drained(told: Told, now: DeployStatus): Narration {
  if (told.drained || now.code < CODE.drained) return unchanged(told);
  return { told: { ...told, drained: true }, lines: ['Gates closed and drained'] };
}

function stepChanges(told: Told, now: DeployStatus): Narration {
  const changed = now.steps.filter((step) => (told.steps[step.n] ?? 'pending') !== step.state);
  const steps = { ...told.steps, ...Object.fromEntries(changed.map((step) => [step.n, step.state])) };
  const lines = changed.filter(isTold).map((step) => stepLine(step, now));
  return { told: { ...told, steps }, lines };
}

/** That a step begins is said by the phase. */
const isTold = (step: StepRecord) => !['started', 'compensating', 'pending'].includes(step.state);

const stepLine = (step: StepRecord, now: DeployStatus) =>
  `Step ${step.n} of ${now.steps.length}, ${step.name}: ${step.state === 'inDoubt' ? 'in doubt' : step.state}${step.note ? `: ${step.note}` : ''}`;

function held({ held: before, ...told }: Told, { held: now, deploy }: DeployStatus): Narration {
  if (!now) return unchanged(told);
  const key = `${now.until} ${now.reason}`;
  if (before === key) return unchanged({ ...told, held: key });
  return {
    told: { ...told, held: key },
    lines: [
      `Held until ${new Date(now.until).toISOString()}: ${now.reason}`,
      now.step === undefined
        ? `Let it go on with \`lockkeeper deploy resume ${deploy} --reason …\`, or \`abort\` it`
        : `Decide with \`lockkeeper deploy retry-step ${deploy} --reason …\`, \`skip-step\` or \`abort\``,
    ],
  };
}
