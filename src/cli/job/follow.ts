import { once } from 'node:events';
import type { JobClient } from '../../client/job-client.ts';
import type { JobHandle } from '../../client/job-handle.ts';
import { formatWholeSeconds } from '../../duration.ts';
import type { JobRow } from '../../ledger/jobs.ts';
import { EXIT } from '../exit-codes.ts';
import { JobEnd } from '../json/jobs.ts';
import { printLineAs } from '../json/print.ts';
import type { Stop } from '../signals.ts';
import { statusLine } from '../status-line.ts';
import { isLive, print, tell } from '../terminal.ts';
import { untilEnd } from '../until-end.ts';
import type { FollowOptions } from '../until-end.ts';
import { elseNoJob } from './no-job.ts';
import { jobEnd } from './job-end.ts';
import { barred, progressLine, sparingly } from './progress.ts';

/** Shows a job's progress until it ends; then its result, and the exit code that tells how it ended. */
export const follow = (jobs: JobClient, handle: JobHandle, options: FollowOptions, stop: Stop): Promise<number> =>
  untilEnd(
    {
      kind: 'job',
      id: handle.id,
      show: (leave) => elseNoJob(handle.id, jobs, () => showProgress(handle, leave)),
      end: () => printEnd(handle, options),
    },
    options,
    stop,
  );

/** On standard error, so that standard output holds the result only. */
async function showProgress(handle: JobHandle, leave: AbortSignal): Promise<void> {
  const left = (leave.aborted ? Promise.resolve() : once(leave, 'abort')).then(() => undefined);
  const live = isLive(process.stderr);
  const worthALine = sparingly();
  const line = statusLine();
  const rows = handle.progress();
  let seen: { readonly state?: JobRow['state']; readonly at: number } = { at: performance.now() };
  const forSoLong = () => formatWholeSeconds(performance.now() - seen.at);
  line.show(() => `${handle.id} waits for its first slice, ${forSoLong()}`);
  try {
    for (;;) {
      const next = await Promise.race([rows.next(), left]);
      if (!next || next.done) break;
      const row = next.value;
      if (seen.state !== row.state) seen = { state: row.state, at: performance.now() };
      if (!live && worthALine(row)) line.tell(progressLine(row));
      if (row.state !== 'pending') line.show(() => barred(row, forSoLong()));
    }
  } finally {
    line.hide();
  }
}

async function printEnd(handle: JobHandle, options: FollowOptions): Promise<number> {
  const end = await jobEnd(handle);
  if (options.json) printLineAs(JobEnd, { id: handle.id, ...end });
  else if (end.state === 'done') print(end.result === undefined ? `job ${handle.id} done` : JSON.stringify(end.result));
  else tell(`lockkeeper: job ${handle.id} ${end.state}: ${end.reason}`);
  return { done: EXIT.ok, failed: EXIT.failed, cancelled: EXIT.aborted }[end.state];
}
