import { setTimeout as delay } from 'node:timers/promises';
import { LockkeeperError } from '../errors.ts';
import { keyOf, type Found } from './find-processes.ts';
import { processOf, type RunningProcess } from './process-table.ts';

/** How long processes may take to go after SIGKILL: the kernel needs a moment for large ones, for ever if they hang in it. */
export const GIVE_UP_AFTER = 5_000;
const LOOK_EVERY = 25;
/** One look can miss a process that is just being forked; two apart do not. */
const EMPTY_LOOKS = 2;

/**
 * Ends whatever `find` finds, until it finds nothing: SIGTERM once to each, SIGKILL to what is there after `killAfterMs`.
 * What appears meanwhile is ended too.
 *
 * @param options.last this pid is spared while others are there and gets SIGKILL at once when it is alone.
 * @returns how many different processes were found; 0 means that there was nothing to end.
 * @throws LockkeeperError `STEP_FAILED` when some are still there, or cannot be told from foreign ones, `GIVE_UP_AFTER` ms
 *   after SIGKILL.
 */
export async function endProcesses(
  find: () => Found,
  killAfterMs: number,
  options: { last?: number } = {},
): Promise<number> {
  const terminated = new Set<string>();
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  for (let empty = 0; ;) {
    const lookedAt = performance.now();
    const { ours, undecided } = find();
    empty = ours.length + undecided.length === 0 ? empty + 1 : 0;
    if (empty === EMPTY_LOOKS) return terminated.size;
    if (elapsed() > killAfterMs + GIVE_UP_AFTER) throw notEnded(ours, undecided);

    const alone = ours.every((one) => one.pid === options.last);
    for (const one of ours) {
      const spared = one.pid === options.last && !alone;
      if ((alone || elapsed() >= killAfterMs) && !spared) signal(one, 'SIGKILL');
      else if (!spared && !terminated.has(keyOf(one))) signal(one, 'SIGTERM');
      terminated.add(keyOf(one));
    }
    // A look costs time on a host with thousands of processes: spend at most a fifth of a processor on looking.
    await delay(Math.max(LOOK_EVERY, 4 * (performance.now() - lookedAt)));
  }
}

function signal(one: RunningProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  // Looked at again right before: the pid may have passed to another process since the table was read.
  if (processOf(one.pid)?.startedAt !== one.startedAt) return;
  try {
    process.kill(one.pid, name);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // ESRCH: it has just gone. EPERM: another user's (sudo); it may still end by itself, else the deadline reports it.
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

function notEnded(ours: RunningProcess[], undecided: RunningProcess[]): LockkeeperError {
  const list = (processes: RunningProcess[]) => processes.map((one) => one.pid).join(', ');
  return ours.length > 0
    ? new LockkeeperError('STEP_FAILED', `processes of the command are still there after SIGKILL: ${list(ours)}`, {
        next: 'They belong to another user or hang in the kernel: end them yourself, then run the step again',
      })
    : new LockkeeperError(
        'STEP_FAILED',
        `processes ${list(undecided)} are in a session with the number of the command's guard, and nothing shows whether they are the command's`,
        { next: 'They were left alone; look at them on this host and end them if they are the command' },
      );
}
