import { shellWord } from '../shell.ts';
import type { JobEvent } from './events.ts';
import type { JobNotice } from './notice.ts';
import type { Told } from './words.ts';

type JobOfNotice = JobNotice['data']['job'];

export function jobWords({ type, data: { environment, job } }: JobNotice): Told {
  const [became, text, ...commands] = OF_EVENT[type](job);
  return {
    subject: ['Job', job.id],
    became,
    text,
    facts: [
      ['Job', job.id],
      ['Kind', job.name],
      ['Owner', job.owner],
      ['Environment', environment],
      ['Task queue', job.taskQueue],
      ['Checkpoint', job.checkpoint],
      [
        'Progress',
        job.done === undefined ? undefined : job.total === undefined ? job.done : `${job.done} of ${job.total}`,
      ],
      ['Interrupted', job.interruptions === 0 ? undefined : times(job.interruptions)],
    ],
    commands,
  };
}

/** How the title goes on, what it means, and commands. */
const OF_EVENT: Record<JobEvent, (job: JobOfNotice) => readonly [became: string, text: string, ...commands: string[]]> =
  {
    'job.interrupted': ({ checkpoint }) => [
      'was interrupted',
      checkpoint === 0
        ? 'It is to begin again by itself as soon as it can.'
        : `It is to go on by itself from checkpoint ${checkpoint} as soon as it can.`,
    ],
    'job.resumed': ({ checkpoint }) => [
      'goes on',
      checkpoint === 0 ? 'It has begun again.' : `It goes on from checkpoint ${checkpoint}.`,
    ],
    'job.quarantined': ({ id }) => [
      'is in quarantine',
      'It waits for a person, who looks at it and says how it goes on.',
      show(id),
      `lockkeeper job release ${shellWord(id)} --continue`,
    ],
    'job.failed': ({ id }) => ['failed', 'It is not tried again by itself.', show(id)],
    'job.finished': () => ['is done', 'It has finished; nothing is to be done.'],
    'job.cancelled': () => ['was cancelled', 'It has ended, as somebody asked.'],
  };

const show = (id: string) => `lockkeeper job show ${shellWord(id)}`;

const times = (n: number) => (n === 1 ? 'once' : `${n} times`);
