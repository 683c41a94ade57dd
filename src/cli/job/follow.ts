import { once } from 'node:events';
import type { JobClient } from '../../client/job-client.ts';
import type { JobHandle } from '../../client/job-handle.ts';
import { LockkeeperError } from '../../errors.ts';
import { EXIT, exitCodeOfSignal } from '../exit-codes.ts';
import type { Stop } from '../signals.ts';
import { print, tell } from '../terminal.ts';
import { jobEnd } from './job-end.ts';
import { liveLine, progressLine, sparingly } from './progress.ts';
import { elseNoJob } from './no-job.ts';

export interface FollowOptions {
  readonly json?: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** Shows a job's progress until it ends; then its result, and the exit code that tells how it ended. */
export async function follow(jobs: JobClient, handle: JobHandle, options: FollowOptions, stop: Stop): Promise<number> {
  const givenUp = new AbortController();
  const timer = options.timeout === undefined ? undefined : setTimeout(() => givenUp.abort('timeout'), options.timeout);
  // Once: a stream that is closed says so at every write.
  for (const stream of [process.stdout, process.stderr]) stream.once('error', () => givenUp.abort('nobody reads'));
  const leave = AbortSignal.any([stop.signal, givenUp.signal]);
  try {
    await elseNoJob(handle.id, jobs, () => showProgress(handle, leave));
  } finally {
    clearTimeout(timer);
  }
  const by = stop.by();
  if (by) return exitCodeOfSignal(by);
  if (givenUp.signal.reason === 'timeout') throw timedOut(handle.id, options.timeout!);
  if (givenUp.signal.aborted) return EXIT.ok;
  return printEnd(handle, options);
}

const timedOut = (id: string, ms: number) =>
  new LockkeeperError('TIMED_OUT', `job ${id} has not ended within ${ms / 1000} s; it goes on without us`, {
    next: `See \`lockkeeper job show ${id}\``,
  });

/** On standard error, so that standard output holds the result only. */
async function showProgress(handle: JobHandle, leave: AbortSignal): Promise<void> {
  const left = (leave.aborted ? Promise.resolve() : once(leave, 'abort')).then(() => undefined);
  const live = process.stderr.isTTY;
  const worthALine = sparingly();
  const rows = handle.progress();
  for (;;) {
    const next = await Promise.race([rows.next(), left]);
    if (!next || next.done) break;
    if (live) process.stderr.write(`\r\x1b[2K${liveLine(next.value, process.stderr.columns || 80)}`);
    else if (worthALine(next.value)) tell(progressLine(next.value));
  }
  if (live) process.stderr.write('\r\x1b[2K');
}

async function printEnd(handle: JobHandle, options: FollowOptions): Promise<number> {
  const end = await jobEnd(handle);
  if (options.json) print(JSON.stringify({ id: handle.id, ...end }));
  else if (end.state === 'done') print(end.result === undefined ? `job ${handle.id} done` : JSON.stringify(end.result));
  else tell(`lockkeeper: job ${handle.id} ${end.state}: ${end.reason}`);
  return { done: EXIT.ok, failed: EXIT.failed, cancelled: EXIT.aborted }[end.state];
}
