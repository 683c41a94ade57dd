import type { JobRow } from '../../ledger/jobs.ts';

/** Between two lines about the same state, milliseconds: a log is not a progress bar. */
const TELL_EVERY = 5_000;
const BAR = 24;

type Progressing = Pick<JobRow, 'workflowId' | 'state' | 'seq' | 'progress' | 'reason' | 'gateClosedBy'>;

/** `import-7 running 300/1200 (25 %), checkpoint 12: reading cities` */
export function progressLine(row: Progressing, state: string = row.state): string {
  const counted = formatProgress(row.progress);
  const why = row.state === 'quarantined' ? row.reason : (behindGate(row) ?? row.progress.note);
  return [
    `${row.workflowId} ${state}${counted === '' ? '' : ` ${counted}`}, checkpoint ${row.seq}`,
    ...(why ? [why] : []),
  ].join(': ');
}

/** Why a job that could go on does not. */
export const behindGate = ({
  gateClosedBy,
}: {
  readonly gateClosedBy?: string | null | undefined;
}): string | undefined =>
  gateClosedBy == null ? undefined : `waits behind the gate that deploy ${gateClosedBy} closed`;

/** `300/1200 (25 %)`, `300`, or nothing. */
export function formatProgress({ done, total }: JobRow['progress']): string {
  if (done === undefined) return '';
  if (!total) return String(done);
  return `${done}/${total} (${Math.floor((100 * done) / total)} %)`;
}

/** The same with how long it has been in its state, and a bar where there is a total, for a line that is seen to move. */
export function barred(row: Progressing, forSoLong: string): string {
  const { done, total } = row.progress;
  const line = progressLine(row, `${row.state} for ${forSoLong}`);
  if (done === undefined || !total) return line;
  const filled = Math.max(0, Math.min(BAR, Math.floor((BAR * done) / total)));
  return `[${'='.repeat(filled)}${' '.repeat(BAR - filled)}] ${line}`;
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
