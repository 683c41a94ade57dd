import { inspect } from 'node:util';
import { LockkeeperError, errorMessage } from '../errors.ts';
import type { TestSlice } from './run-job-in-test.ts';

/** More of them in one run: the job does not go on from its state, or fails for ever. */
export const SLICES_AT_MOST = 500;

/** The job goes round for ever. */
export function endless(job: string, last: TestSlice<unknown>): LockkeeperError {
  const failed = last.end === 'failed' ? `: ${errorMessage(last.error)}` : '';
  return new LockkeeperError(
    'JOB_FAILED',
    `job ${job} did not end within ${SLICES_AT_MOST} slices; the last one began with ${inspect(last.from)} and was ${last.end}${failed}`,
    {
      next: 'Does it go on from `job.state`, and only yield when it has moved? Else give it an input with less work',
      cause: last.error,
    },
  );
}

export const quarantined = (job: string, reason: string) =>
  new LockkeeperError('JOB_QUARANTINED', `job ${job} is quarantined: ${reason}`, {
    next: 'In production it would wait for a person',
  });

export const lost = (kind: 'fenced' | 'ledgerAway') =>
  kind === 'fenced'
    ? new LockkeeperError('FENCED', "the job's claim in the test database was taken away", {
        next: 'Let nothing else write to the schema lockkeeper while the test runs',
      })
    : new LockkeeperError('LEDGER_UNREACHABLE', 'the test database does not answer', { next: 'Look whether it runs' });
