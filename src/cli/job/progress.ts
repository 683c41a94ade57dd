import type { JobRow } from '../../ledger/jobs.ts';

/** Between two lines about the same state, milliseconds: a log is not a progress bar. */
const TELL_EVERY = 5_000;
const BAR = 24;

type Progressing = Pick<JobRow, 'workflowId' | 'state' | 'seq' | 'progress' | 'reason'>;

/** `import-7 running 300/1200 (25 %), checkpoint 12: reading cities` */
export function progressLine(row: Progressing): string {
  const counted = formatProgress(row.progress);
  const why = row.state === 'quarantined' ? row.reason : row.progress.note;
  return [
    `${row.workflowId} ${row.state}${counted === '' ? '' : ` ${counted}`}, checkpoint ${row.seq}`,
    ...(why ? [why] : []),
  ].join(': ');
}

/** `300/1200 (25 %)`, `300`, or nothing. */
export function formatProgress({ done, total }: JobRow['progress']): string {
  if (done === undefined) return '';
  if (!total) return String(done);
  return `${done}/${total} (${Math.floor((100 * done) / total)} %)`;
}

/** The same with a bar where there is a total, for a line that is seen to move. */
export function barred(row: Progressing): string {
  const { done, total } = row.progress;
  if (done === undefined || !total) return progressLine(row);
  const filled = Math.max(0, Math.min(BAR, Math.floor((BAR * done) / total)));
  return `[${'='.repeat(filled)}${' '.repeat(BAR - filled)}] ${progressLine(row)}`;
}

/** Decides which changes become lines of a log: every change of state, and progress now and then. */
export function sparingly(now: () => number = Date.now): (row: Progressing) => boolean {
  let last: { readonly state: string; readonly at: number } | undefined;
  return (row) => {
    if (last?.state === row.state && now() - last.at < TELL_EVERY) return false;
    last = { state: row.state, at: now() };
    return true;
  };
}
