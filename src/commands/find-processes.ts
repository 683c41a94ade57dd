import { GUARD_VARIABLE, guardStartOf, markerOf, type GuardedProcess } from './guarded-process.ts';
import { environmentOf, listProcesses, type RunningProcess } from './process-table.ts';

/**
 * How far to look. `session`: the guard's session and group, which is everything the command started that did not detach
 * itself on purpose. `everything`: also what left the session (by the marker in its environment, or as a child of one found).
 */
export type Reach = 'session' | 'everything';

/** `undecided` are in a session with the guard's number, and nothing proves whose session it is. */
export interface Found {
  ours: RunningProcess[];
  undecided: RunningProcess[];
}

/**
 * Finds the living processes of a guarded command, the guard included, from its record alone.
 *
 * Proven: nothing of another program is taken for ours. The kernel gives no process a pid that still names a session or a
 * group, so while one process of ours is in the guard's session the number is ours; a guard's pid with another start time
 * means that the session had ended; without its leader, a session is ours if one in it carries the marker.
 * Found as well, by marker or parent: what called setsid. Not found: a process that left the session, lost its parent and
 * cleared or overwrote its environment, or did so as another user. On macOS, which shows no environments and no sessions, only the
 * guard's group and the children of those in it, and a group whose leader is gone is believed to be ours.
 *
 * The finder remembers whom it found: later looks still know a process whose parent or marker is gone.
 */
export function finderOf(record: GuardedProcess): (reach: Reach) => Found {
  const known = new Set<string>();
  const marker = markerOf(record);
  const isKnown = (one: RunningProcess) => known.has(keyOf(one));

  return (reach) => {
    const table = listProcesses();
    const leader = table.find((one) => one.pid === record.guardPid);
    const numberIsReused = leader !== undefined && leader.startedAt !== guardStartOf(record);
    const session = numberIsReused ? [] : table.filter((one) => one.sid === record.pgid || one.pgid === record.pgid);

    const marked =
      reach === 'everything' ? table.filter((one) => !one.zombie && (isKnown(one) || carries(one.pid, marker))) : [];
    const sessionIsOurs =
      leader !== undefined || process.platform !== 'linux' || session.some((one) => marked.includes(one));

    const ours = new Set([...marked, ...(sessionIsOurs ? session : [])]);
    if (reach === 'everything') addChildren(ours, table);
    for (const one of ours) known.add(keyOf(one));
    const living = (processes: Iterable<RunningProcess>) => [...processes].filter((one) => !one.zombie);
    return { ours: living(ours), undecided: sessionIsOurs ? [] : living(session) };
  };
}

/** Pid and start: what tells a process from a later one with its pid. */
export function keyOf(one: RunningProcess): string {
  return `${one.pid}@${one.startedAt}`;
}

function carries(pid: number, marker: string): boolean {
  const value = environmentOf(pid)?.find((entry) => entry.startsWith(`${GUARD_VARIABLE}=`));
  return (
    value
      ?.slice(GUARD_VARIABLE.length + 1)
      .split(' ')
      .includes(marker) ?? false
  );
}

function addChildren(ours: Set<RunningProcess>, table: RunningProcess[]): void {
  const pids = new Set([...ours].map((one) => one.pid));
  // Sets are walked in the order of insertion, so children added here have their own children looked for too.
  for (const pid of pids) {
    for (const one of table) {
      if (one.ppid !== pid) continue;
      ours.add(one);
      pids.add(one.pid);
    }
  }
}
