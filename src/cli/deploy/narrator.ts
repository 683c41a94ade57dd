import type { DeployEvent } from '../../client/run-deploy.ts';
import { paintFor, tell } from '../terminal.ts';
import { NOTHING_TOLD, narrate } from './narrate.ts';

/** Tells people on standard error what happens to a deploy. */
export function narrator(): (event: DeployEvent) => void {
  const paint = paintFor(process.stderr);
  let told = NOTHING_TOLD;
  return (event) => {
    const { told: now, lines } = narrate(told, event);
    told = now;
    // Marked: the command's own standard error comes out between these lines.
    for (const line of lines) tell(`${paint.dim('lockkeeper:')} ${line}`);
  };
}
