import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { LockkeeperError } from '../errors.ts';
import { processOf } from './process-table.ts';

/**
 * What the ledger keeps of a running command, written before the command begins. The guard leads its own session and
 * process group and the command runs inside them, so `pgid` is known before there is a command and equals `guardPid`.
 * Plain JSON; `host` and `startTime` are opaque and are compared, not read.
 */
export interface GuardedProcess {
  /** Name and machine id of the host. */
  readonly host: string;
  readonly guardPid: number;
  readonly pgid: number;
  /** Linux: boot, pid namespace and start of the guard in clock ticks since boot. macOS: its start, to the second. */
  readonly startTime: string;
}

/** The environment variable every process of a guarded command carries, unless it clears its environment. */
export const GUARD_VARIABLE = 'LOCKKEEPER_GUARD';

/** The record of a guard that runs on this host as a child of this process. */
export function recordOf(guardPid: number): GuardedProcess {
  const guard = processOf(guardPid);
  if (!guard) {
    throw new LockkeeperError('STEP_FAILED', `the guard process ${guardPid} was gone before it was given its command`, {
      next: 'Nothing was run; look for an out-of-memory kill on this host and run the step again',
    });
  }
  return { host: thisHost(), guardPid, pgid: guardPid, startTime: [...thisBoot(), guard.startedAt].join('/') };
}

/** The value that marks the processes of this command; it follows from the record, so that the record alone finds them. */
export function markerOf(record: GuardedProcess): string {
  return `${record.guardPid}:${record.startTime}`;
}

/** The guard's own start, comparable with `RunningProcess.startedAt` on the host and boot of the record. */
export function guardStartOf(record: GuardedProcess): string {
  return record.startTime.split('/').at(-1) ?? '';
}

/**
 * Where the record's processes are, seen from this process: `here`; `ended` (the machine has been restarted since);
 * or `elsewhere`, which means only that nothing can be proven from here: another machine, another container of this one,
 * or a machine without a machine id that cannot tell a restart of itself from a namesake.
 */
export function whereabouts(record: GuardedProcess): 'here' | 'ended' | 'elsewhere' {
  if (!Number.isInteger(record.guardPid) || record.guardPid <= 1 || record.pgid !== record.guardPid) {
    throw new LockkeeperError(
      'STEP_FAILED',
      `the record of a guarded command is damaged: guard pid ${record.guardPid}, group ${record.pgid}, expected the same number above 1`,
      { next: 'Nothing was signalled; look at the processes on that host yourself' },
    );
  }
  if (record.host !== thisHost()) return 'elsewhere';
  const [boot, namespace] = thisBoot();
  if (boot === undefined) return 'here';
  const [boundTo, visibleIn] = record.startTime.split('/');
  if (boundTo !== boot) return record.host.endsWith(`/${UNKNOWN}`) ? 'elsewhere' : 'ended';
  return visibleIn === namespace ? 'here' : 'elsewhere';
}

const UNKNOWN = '-';

function thisHost(): string {
  const machine = firstLine('/etc/machine-id') ?? firstLine('/var/lib/dbus/machine-id') ?? UNKNOWN;
  return `${hostname()}/${machine}`;
}

/** Boot id and pid namespace on Linux; nothing on macOS, whose start times are dates and have no such twins. */
function thisBoot(): string[] {
  if (process.platform !== 'linux') return [];
  const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? UNKNOWN;
  return [firstLine('/proc/sys/kernel/random/boot_id') ?? UNKNOWN, namespace];
}

function firstLine(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').split('\n')[0]?.trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
