import { AssertionError } from 'node:assert';
import { inspect } from 'node:util';
import { errorMessage } from '../errors.ts';
import type { Way } from './ways.ts';

/** A run that did not end as the undisturbed one. */
export type Finding =
  | { readonly way: Way; readonly outcome: unknown; readonly wentOnFrom: unknown }
  | { readonly way: Way; readonly error: unknown };

/** Findings that are told; of a job that is wrong at one checkpoint the others say the same. */
const TOLD = 10;
/** Characters of a value. */
const LONGEST = 300;

function show(value: unknown): string {
  const text = inspect(value, { breakLength: Infinity, depth: 4, maxArrayLength: 30 });
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

const tell = (finding: Finding) =>
  'error' in finding
    ? `  ${finding.way.words}: it failed: ${errorMessage(finding.error)}`
    : `  ${finding.way.words} (went on from ${show(finding.wentOnFrom)}): ${show(finding.outcome)}`;

const ELSEWHERE =
  'After an interruption a job goes on in a new process, with nothing but the state it saved: look for what it keeps in a ' +
  'variable, and for what its `finally` does not release.';
const TWICE =
  'After a kill a job does again what it did since its last saved checkpoint, and no `finally` has run: make the steps ' +
  'idempotent, or commit effect and checkpoint together with `job.transaction`. If doing a step twice is accepted here, pass ' +
  '`kills: false`.';

/** What was found, in words; the first difference as `actual` and `expected`. */
export function differences(
  job: string,
  expected: unknown,
  findings: readonly Finding[],
  runs: number,
): AssertionError {
  const more = findings.length > TOLD ? [`  and ${findings.length - TOLD} more`] : [];
  const planned = findings.some(({ way }) => way.options.interruptAt !== undefined);
  const first = findings[0]!;
  const error = new AssertionError({
    message: [
      `job ${job} did not end as if undisturbed in ${findings.length} of ${runs} runs:`,
      ...findings.slice(0, TOLD).map(tell),
      ...more,
      `undisturbed: ${show(expected)}`,
      planned ? ELSEWHERE : TWICE,
    ].join('\n'),
    actual: 'error' in first ? first.error : first.outcome,
    expected,
    operator: 'everyInterruption',
  });
  if ('error' in first) error.cause = first.error;
  return error;
}

/** The comparison is worth nothing: the job ends differently without being disturbed. */
export const notRepeatable = (job: string, first: unknown, second: unknown) =>
  new AssertionError({
    message: [
      `job ${job}, undisturbed, has another outcome when it is run a second time:`,
      `  first: ${show(first)}`,
      `  second: ${show(second)}`,
      'Let `reset` put back everything the job changes, and leave times and random values out of `outcome`. If that is done, the ' +
        'job keeps something in its module: in production that is gone after an interruption.',
    ].join('\n'),
    actual: second,
    expected: first,
    operator: 'everyInterruption',
  });

export const nothingToInterrupt = (job: string) =>
  new AssertionError({
    message: `job ${job} reached no checkpoint: nothing can be interrupted. Give it an input with work for several`,
    actual: 0,
    expected: 'at least one checkpoint',
    operator: 'everyInterruption',
  });
