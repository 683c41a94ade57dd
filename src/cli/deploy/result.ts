import type { DeployEnd } from '../../client/run-deploy.ts';
import { formatDuration } from '../../duration.ts';
import { exitCodeOfDeploy } from '../exit-codes.ts';
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

/** The last line: how a deploy ended, for this command. */
export function resultLine(deploy: Deploy, end: DeployEnd, ms: number, paint: Paint): string {
  const word = end.kind === 'ended' ? end.outcome : ENDS[end.kind];
  const colour = word === 'succeeded' ? paint.green : paint.red;
  return `deploy ${deploy.id} of ${deploy.environment}: ${colour(word)} after ${formatDuration(ms)}${end.reason ? `: ${end.reason}` : ''}`;
}

/** Prints the end of a deploy and gives its exit code. JSON is one line: a command's own output may stand before it. */
export function printEnd(
  deploy: Deploy,
  end: DeployEnd,
  began: number,
  options: { json?: boolean },
  stoppedBy?: NodeJS.Signals,
): number {
  const exitCode = exitCodeOfDeploy(end, stoppedBy);
  const ms = Date.now() - began;
  if (options.json) print(JSON.stringify({ deploy: deploy.id, environment: deploy.environment, ...end, ms, exitCode }));
  else print(resultLine(deploy, end, ms, paintFor(process.stdout)));
  return exitCode;
}
