import type { DeployEnd } from '../../client/run-deploy.ts';
import { formatDuration } from '../../duration.ts';
import { exitCodeOfDeploy } from '../exit-codes.ts';
import { DeployEnd as DeployEndJson } from '../json/deploys.ts';
import { printLineAs } from '../json/print.ts';
import { paintFor, print } from '../terminal.ts';
import type { Paint } from '../terminal.ts';

export interface Deploy {
  readonly id: string;
  readonly environment: string;
}

const ENDS: Record<Exclude<DeployEnd['kind'], 'ended'>, string> = {
  leaseLost: 'lease lost',
  timedOut: 'timed out',
  interrupted: 'interrupted',
};

/** In a word or two. */
export const endedAs = (end: DeployEnd): string => (end.kind === 'ended' ? end.outcome : ENDS[end.kind]);

/** The last line: how a deploy ended, for this command. `ms`: how long it was followed; undefined: it had ended before. */
export function resultLine(deploy: Deploy, end: DeployEnd, ms: number | undefined, paint: Paint): string {
  const word = endedAs(end);
  const colour = word === 'succeeded' ? paint.green : paint.red;
  const after = ms === undefined ? ' earlier' : ` after ${formatDuration(ms)}`;
  return `deploy ${deploy.id} of ${deploy.environment}: ${colour(word)}${after}${end.reason ? `: ${end.reason}` : ''}`;
}

export interface Ended extends Deploy {
  readonly end: DeployEnd;
  readonly ms?: number;
  readonly stoppedBy?: NodeJS.Signals | undefined;
}

/** The end of a deploy as JSON has it. */
export const endJson = ({ id, environment, end, ms, stoppedBy }: Ended) => ({
  deploy: id,
  environment,
  ...end,
  ms,
  exitCode: exitCodeOfDeploy(end, stoppedBy),
});

/** Prints the end of a deploy and gives its exit code. JSON is one line: a command's own output may stand before it. */
export function printEnd(ended: Ended, options: { json?: boolean }): number {
  if (options.json) printLineAs(DeployEndJson, endJson(ended));
  else print(resultLine(ended, ended.end, ended.ms, paintFor(process.stdout)));
  return exitCodeOfDeploy(ended.end, ended.stoppedBy);
}
