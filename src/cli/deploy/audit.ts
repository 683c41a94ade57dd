import { nameOfCode } from '../../protocol.ts';
import type { EventRow } from '../../ledger/event-log.ts';
import { formatTime, table } from '../table.ts';

type Detail = EventRow['detail'];
type Sentence = (detail: Detail) => string;

const text = (value: unknown): string =>
  typeof value === 'string' ? value : Array.isArray(value) ? value.map(text).join(', ') : JSON.stringify(value);
const timeOf = (value: unknown) => formatTime(new Date(typeof value === 'number' ? value : text(value))) ?? '';

function waitsFor({ kind, needed, at, until, ahead }: Detail): string {
  switch (kind) {
    case 'approval':
      return `approval by ${text(needed)}`;
    case 'schedule':
      return `its time, ${timeOf(at)}`;
    case 'freeze':
      return `the end of a freeze${until === undefined ? '' : `, ${timeOf(until)}`}`;
    default:
      return text(ahead);
  }
}

/** What happened, in words; the reason stands beside it. */
const SENTENCES: Readonly<Record<string, Sentence>> = {
  requested: ({ plan, scheduledFor }) =>
    `asked for it, plan ${text(plan)}${scheduledFor === undefined ? '' : `, for ${timeOf(scheduledFor)}`}`,
  waiting: (detail) => `it waits for ${waitsFor(detail)}`,
  approved: () => 'approved it',
  approvalRevoked: () => 'took the approval back',
  approvalExpired: ({ person }) => `the approval of ${text(person)} has expired`,
  inOrder: ({ approvalOrder }) => `it has its place in the order, number ${text(approvalOrder)}`,
  orderLost: () => 'it has lost its place in the order',
  expedited: ({ throughFreeze }) => `put it before all others${throughFreeze ? ', through the freeze' : ''}`,
  frozen: ({ until }) => `froze all deploys${until === undefined ? '' : ` until ${timeOf(until)}`}`,
  unfrozen: () => 'ended the freeze',
  withdrawn: () => 'withdrew it',
  lockGranted: ({ runId }) => `it has the lock, in run ${text(runId)}`,
  code: ({ code, direction }) =>
    `code ${text(code)}, ${nameOfCode(Number(code))}${direction === 'back' ? ', going back' : ''}`,
  step: ({ n, state, note }) => `step ${text(n)}: ${text(state)}${note === undefined ? '' : `, ${text(note)}`}`,
  gateClosed: ({ taskQueue }) => `the gate of ${text(taskQueue)} is closed`,
  gateOpened: ({ taskQueue }) => `the gate of ${text(taskQueue)} is open`,
  drainLate: ({ past, deadline }) =>
    past
      ? `its drain is past its deadline, ${timeOf(deadline)}`
      : `its drain is near its deadline, ${timeOf(deadline)}`,
  held: ({ step, until }) => `it is held at step ${text(step)}, until ${timeOf(until)} at most`,
  sliceGivenUp: ({ job, taskQueue }) => `gave up waiting for ${text(job)} on ${text(taskQueue)}`,
  abort: () => 'ended it',
  retryStep: () => 'had the held step run again',
  skipStep: () => 'went on without the step',
  hold: ({ until }) => `held it before its next step${until === undefined ? '' : `, until ${timeOf(until)} at most`}`,
  resume: () => 'let it go on',
  finished: ({ outcome }) => `it has ${text(outcome)}`,
};

/** One line of the record in words, for people. An event that has none is shown as it is. Pure. */
export function describeEvent({ event, detail }: Pick<EventRow, 'event' | 'detail'>): string {
  const sentence = SENTENCES[event];
  return sentence ? sentence(detail) : `${event} ${JSON.stringify(detail)}`;
}

/** Who did what when and why, a line each. */
export const auditTable = (events: readonly EventRow[], width?: number): string =>
  table(
    ['WHEN', 'WHO', 'WHAT', 'WHY'],
    events.map((event) => [
      formatTime(event.at),
      event.actor,
      describeEvent(event),
      event.detail['reason'] === undefined ? undefined : text(event.detail['reason']),
    ]),
    { width },
  );
