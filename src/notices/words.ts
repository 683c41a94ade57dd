import { deployWords } from './deploy-words.ts';
import { jobWords } from './job-words.ts';
import { isDeployNotice, isJobNotice } from './notice.ts';
import type { Notice } from './notice.ts';
import { oneLine, utc } from './phrases.ts';

/** A notice for people. */
export interface Words {
  /** One line. */
  readonly title: string;
  readonly text: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** What a person may type now. */
  readonly commands: readonly string[];
}

/** What job or deploy became, before it is put together. */
export interface Told {
  readonly subject: readonly [kind: string, id: string];
  /** How the title goes on. */
  readonly became: string;
  readonly text: string;
  readonly facts: readonly (readonly [name: string, value: string | number | undefined])[];
  readonly commands: readonly string[];
}

/** Longest id in a title, characters. */
const LONGEST_ID = 100;

export function wordsOf(notice: Notice): Words {
  if (isJobNotice(notice)) return putTogether(notice, jobWords(notice), notice.data.job.reason);
  if (isDeployNotice(notice)) return putTogether(notice, deployWords(notice), notice.data.deploy.reason);
  return {
    title: `[${notice.data.environment}] A test of lockkeeper's notices`,
    text: 'Nothing has happened: somebody typed `lockkeeper notices test`.',
    facts: [],
    commands: [],
  };
}

function putTogether({ id, timestamp, data }: Notice, told: Told, reason: string | undefined): Words {
  const [kind, subject] = told.subject;
  const short = subject.length > LONGEST_ID ? `${subject.slice(0, LONGEST_ID)}…` : subject;
  const facts = [...told.facts, ['At', utc(timestamp)] as const, ['Reason', reason] as const, ['Notice', id] as const];
  return {
    title: `[${data.environment}] ${kind} ${oneLine(short)} ${told.became}`,
    text: oneLine(told.text),
    facts: facts.flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, oneLine(String(value))]],
    ),
    commands: canBeTyped(subject) ? told.commands : [],
  };
}

/** What could be typed is copied, and must not end a line where it does not look like it. */
const canBeTyped = (id: string) => oneLine(id) === id;
