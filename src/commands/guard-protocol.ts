import type { GuardedProcess } from './guarded-process.ts';

/**
 * What the guard is told, as the first line on its stdin, JSON. It acts on it at once; end of stdin means "end the command".
 * Further lines are empty: they say that the parent is not frozen.
 */
export interface GuardSpec {
  argv: readonly [string, ...string[]];
  cwd?: string;
  /** The whole environment of the command; the guard's own is empty. */
  env: NodeJS.ProcessEnv;
  killAfterMs: number;
  /** The command is ended when no further line came on stdin for so long: its parent is frozen. */
  silentForMs?: number;
  record: GuardedProcess;
}

/** What the guard tells, as JSON lines on `REPORT_FD`, each with one of these. */
export interface GuardReports {
  started?: { pid: number; pgid: number; startTime: string };
  failedToStart?: string;
  exited?: { code: number | null; signal: NodeJS.Signals | null };
  /** Processes that were still there after the command had ended, and were ended. The last line. */
  leftovers?: number;
  /** The guard itself failed. */
  broken?: string;
}

export const REPORT_FD = 3;
/** Where the guard finds the command's stdout and stderr. Not its own 1 and 2: so nothing of its own can get in between. */
export const COMMAND_STDOUT_FD = 4;
export const COMMAND_STDERR_FD = 5;

/** Lines that a parent writes in the time after which its silence counts: a late one does no harm. */
export const KEEPALIVES_PER_SILENCE = 5;
