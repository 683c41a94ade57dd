import { endProcesses } from './end-processes.ts';
import { finderOf } from './find-processes.ts';
import { whereabouts, type GuardedProcess } from './guarded-process.ts';

/**
 * Ends what is left of a guarded command, from its record alone; for whoever takes over from a process that was responsible
 * and is gone or frozen. The guard itself may be dead: its orphans are found (see `finderOf` for what is proven).
 *
 * @param killAfterMs from SIGTERM to SIGKILL, in milliseconds. The call takes at most 5 s longer.
 * @returns `gone`: nothing was left. `ended`: something was, and is proven gone now. `other-host`: it cannot be seen from here
 *   (another machine or container), nothing was done and nothing is proven.
 * @throws LockkeeperError `STEP_FAILED` when processes are left that could not be ended or told from foreign ones.
 *
 * @example
 * const left = await endGuarded(step.guard, 5_000);
 * if (left === 'other-host') waitForAPerson(step);
 */
export async function endGuarded(
  record: GuardedProcess,
  killAfterMs: number,
): Promise<'gone' | 'ended' | 'other-host'> {
  const place = whereabouts(record);
  if (place === 'elsewhere') return 'other-host';
  if (place === 'ended') return 'gone';
  const find = finderOf(record);
  // The guard goes last: as long as it lives it ends the command should this process be killed in the middle. Once it is gone
  // nobody is left who could start the command, so a guard that still waits for its command is covered too.
  const ended = await endProcesses(() => find('everything'), killAfterMs, { last: record.guardPid });
  return ended === 0 ? 'gone' : 'ended';
}
