import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** One process as the kernel shows it. `startedAt` is comparable only with another `startedAt` of the same boot. */
export interface RunningProcess {
  pid: number;
  ppid: number;
  pgid: number;
  /** Session id; on macOS, which does not tell it, the group's id again. */
  sid: number;
  /** Ended and not yet collected by its parent: it keeps its pid and does nothing any more. */
  zombie: boolean;
  startedAt: string;
}

/**
 * Every process this user can see, from `/proc` on Linux and from `ps` elsewhere. Not a snapshot: a process that forks and
 * ends while the table is read can be missing, so a proof of absence needs more than one look.
 */
export function listProcesses(): RunningProcess[] {
  return process.platform === 'linux' ? fromProc() : fromPs();
}

/** The process with this pid, or `undefined`. */
export function processOf(pid: number): RunningProcess | undefined {
  return process.platform === 'linux' ? readProcess(pid) : fromPs(['-p', String(pid)])[0];
}

/** The process as `ps` writes it on every POSIX system; exported so that this path is tested on Linux too. */
export function fromPs(which: string[] = ['-ax']): RunningProcess[] {
  const args = [...which, '-o', 'pid=,ppid=,pgid=,stat=,lstart='];
  let text: string;
  try {
    // The start time is text: one language and one time zone, or two processes would read the same moment differently.
    text = execFileSync('ps', args, { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } });
  } catch (error) {
    // `ps -p` ends with 1, and says nothing, when there is no such process.
    if ((error as { status?: unknown }).status === 1) return [];
    throw error;
  }
  return text.split('\n').flatMap((line) => {
    const [pid, ppid, pgid, stat, ...started] = line.trim().split(/\s+/);
    if (!pid || !ppid || !pgid || !stat) return [];
    const group = Number(pgid);
    const zombie = stat.startsWith('Z');
    return [{ pid: Number(pid), ppid: Number(ppid), pgid: group, sid: group, zombie, startedAt: started.join(' ') }];
  });
}

function fromProc(): RunningProcess[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : []));
}

function readProcess(pid: number): RunningProcess | undefined {
  const stat = readOfProcess(pid, 'stat');
  if (!stat) return undefined;
  // `pid (name) state ppid pgid sid …`; the name may hold spaces and brackets, so count from its last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => fields[number - 3] ?? '';
  // A first thread that ended before the others shows as a zombie too, and the process works on: hence field 20, threads.
  const zombie = 'ZX'.includes(field(3)) && Number(field(20)) <= 1;
  return {
    pid,
    ppid: Number(field(4)),
    pgid: Number(field(5)),
    sid: Number(field(6)),
    zombie,
    startedAt: field(22),
  };
}

/** The environment the process was started with, or `undefined` where it cannot be read (macOS, another user's). */
export function environmentOf(pid: number): string[] | undefined {
  return process.platform === 'linux' ? readOfProcess(pid, 'environ')?.split('\0') : undefined;
}

function readOfProcess(pid: number, file: 'stat' | 'environ'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    // It ended meanwhile, or is another user's.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return undefined;
    throw error;
  }
}
