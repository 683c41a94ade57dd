import type { NoticeDeploy } from './deploy-notice.ts';
import type { DeployWords } from './deploy-words.ts';
import { utc } from './phrases.ts';

type Drain = NonNullable<NoticeDeploy['drain']>;

/** What holds a drain up, and what becomes of it at its deadline. */
export function drainWords({ id, drain }: NoticeDeploy): DeployWords {
  return [
    drain?.past ? 'drains late' : 'has not drained, and its deadline is near',
    drain ? `${whoIsLate(drain)} ${atDeadline(drain)}` : 'What holds it up, its record says.',
    `deploy show ${id}`,
    `deploy abort ${id} --reason …`,
  ];
}

const whoIsLate = ({ taskQueues, participants }: Drain) =>
  taskQueues.length > 0
    ? `Jobs on ${taskQueues.join(', ')} have not stepped aside.`
    : `Not all of ${participants.join(', ')} have said that they have stopped.`;

function atDeadline({ past, deadline, onTimeout }: Drain): string {
  const at = `${past ? 'The deadline was at' : 'At'} ${utc(deadline)}${past ? ':' : ''}`;
  switch (onTimeout) {
    case 'abandon':
      return past
        ? `${at} only atomic jobs are waited for now.`
        : `${at} they are given up, and go on later from their last checkpoint.`;
    case 'wait':
      return past
        ? `${at} it waits on, as its plan says, and then fails.`
        : `${at} it goes on waiting, as its plan says.`;
    case 'abort':
      return past ? `${at} it fails, and the gates open.` : `${at} it fails, and the gates open.`;
  }
}
