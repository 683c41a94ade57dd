import { appendFile } from 'node:fs/promises';
import { Option } from 'commander';
import { formatDuration } from '../../duration.ts';
import { LockkeeperError, errorMessage } from '../../errors.ts';
import { exitCodeOfDeploy } from '../exit-codes.ts';
import { endedAs } from './result.ts';
import type { Ended } from './result.ts';

export const summaryOption = () =>
  new Option('--summary <file>', 'append what became of it to a file, as Markdown, such as "$GITHUB_STEP_SUMMARY"');

/**
 * Appends how a deploy ended to a file, for CI systems that show it beside their runs.
 * @throws {LockkeeperError} USAGE when the file cannot be written: the deploy has ended all the same
 */
export async function writeSummary(file: string | undefined, ended: Ended): Promise<void> {
  if (file === undefined) return;
  try {
    await appendFile(file, summaryOf(ended));
  } catch (error) {
    const how = `deploy ${ended.id} ended (${endedAs(ended.end)}), and its summary could not be written to ${file}`;
    throw new LockkeeperError('USAGE', `${how}: ${errorMessage(error)}`, { cause: error });
  }
}

/** Pure. */
export function summaryOf(ended: Ended): string {
  const { id, environment, end, ms, stoppedBy } = ended;
  const rows: [string, string | undefined][] = [
    ['Deploy', `\`${id}\``],
    ['Environment', `\`${environment}\``],
    ['Took', ms === undefined ? undefined : formatDuration(ms)],
    ['Exit code', String(exitCodeOfDeploy(end, stoppedBy))],
    ['Look', `\`lockkeeper deploy show ${id} --environment ${environment}\``],
  ];
  const table = rows.flatMap(([name, value]) => (value === undefined ? [] : [`| ${name} | ${value} |`]));
  const reason = end.reason === undefined ? [] : [indented(end.reason), ''];
  return [`### Deploy ${id}: ${endedAs(end)}`, '', '| | |', '| --- | --- |', ...table, '', ...reason].join('\n');
}

/** As it is, whatever it holds: an indented block of Markdown knows no way out but a line that begins at the margin. */
const indented = (text: string) => text.replaceAll(/\r\n?|\n/g, '\n').replaceAll(/^/gm, '    ');
