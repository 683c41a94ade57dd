import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LockkeeperError } from '../errors.ts';
import { isRunning, readRecord, recordOf } from './processes.ts';

/** Lets go of the directory. May be called twice. */
export type Unlock = () => void;

/**
 * Takes `dir` for this process, so that no two run servers on the same data. A lock whose process is gone does not count.
 *
 * @throws LockkeeperError `USAGE` naming the pid of the process that has it.
 */
export function lockDir(dir: string): Unlock {
  const file = join(dir, 'dev.lock');
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, JSON.stringify(recordOf(process.pid)));
  try {
    // A link appears with its content and fails when there is one: two processes cannot both succeed.
    while (!linked(mine, file)) takeAwayStale(file, dir);
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (readRecord(file)?.pid === process.pid) rmSync(file, { force: true });
  };
}

function linked(from: string, to: string): boolean {
  return unless('EEXIST', () => linkSync(from, to));
}

function takeAwayStale(file: string, dir: string): void {
  refuseRunning(file, dir);
  // Whoever renames it first has it, and looks again: in between it may have become somebody's new lock.
  const taken = `${file}.stale-${process.pid}`;
  if (!unless('ENOENT', () => renameSync(file, taken))) return;
  try {
    refuseRunning(taken, dir);
  } catch (error) {
    linked(taken, file);
    throw error;
  } finally {
    rmSync(taken, { force: true });
  }
}

function refuseRunning(file: string, dir: string): void {
  const holder = readRecord(file);
  if (!holder || !isRunning(holder)) return;
  throw new LockkeeperError('USAGE', `the servers of ${dir} are run by process ${holder.pid} already`, {
    next: `Use those, stop process ${holder.pid}, or choose another directory`,
  });
}

function unless(code: string, act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false;
    throw error;
  }
}
