import { shellWord } from '../shell.ts';
import type { JobEvent } from './events.ts';
import type { JobNotice, Notice } from './notice.ts';

/** A notice for people. */
export interface Words {
  /** One line. */
  readonly title: string;
  readonly text: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** What a person may type now. */
  readonly commands: readonly string[];
}

/** Longest id of a job in a title, characters. */
const LONGEST_ID = 100;

export function wordsOf(notice: Notice): Words {
  if (notice.type === 'test') {
    return {
      title: `[${notice.data.environment}] A test of lockkeeper's notices`,
      text: 'Nothing has happened: somebody typed `lockkeeper notices test`.',
      facts: [],
      commands: [],
    };
  }
  const { environment, job } = notice.data;
  const [became, text, ...commands] = OF_EVENT[notice.type](notice.data.job);
  const id = job.id.length > LONGEST_ID ? `${job.id.slice(0, LONGEST_ID)}…` : job.id;
  return {
    title: `[${environment}] Job ${oneLine(id)} ${became}`,
    text,
    facts: factsOf(notice),
    commands: canBeTyped(job.id) ? commands : [],
  };
}

type JobOfNotice = JobNotice['data']['job'];

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

function factsOf({ id, timestamp, data: { environment, job } }: JobNotice): [string, string][] {
  const facts: [string, string | number | undefined][] = [
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
    ['At', `${timestamp.slice(0, 19).replace('T', ' ')} UTC`],
    ['Reason', job.reason],
    ['Notice', id],
  ];
  return facts.flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, oneLine(String(value))]],
  );
}

const times = (n: number) => (n === 1 ? 'once' : `${n} times`);

/** What could be typed is copied, and must not end a line where it does not look like it. */
const canBeTyped = (id: string) => oneLine(id) === id;

/** Line breaks and other controls, of which a text from elsewhere could make a header or a line of its own. */
const oneLine = (text: string) => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
