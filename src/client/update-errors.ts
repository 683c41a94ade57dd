import { ApplicationFailure, WorkflowUpdateFailedError } from '@temporalio/client';
import { ERROR_CODES, LockkeeperError, errorMessage } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';

/** The refusal of an update, or of an activity under it, as our own error again; other errors stay what they are. */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof WorkflowUpdateFailedError)) return error;
  let cause: unknown = error.cause;
  while (cause instanceof Error && !(cause instanceof ApplicationFailure) && cause.cause) cause = cause.cause;
  const type = cause instanceof ApplicationFailure ? cause.type : undefined;
  const code = (ERROR_CODES as readonly string[]).includes(type ?? '') ? (type as ErrorCode) : undefined;
  if (code) return asTold(code, cause as ApplicationFailure, error);
  return new LockkeeperError('LEDGER_UNREACHABLE', `the request was not answered: ${errorMessage(cause)}`, {
    next: 'It may or may not have been written down: ask again under the same id, it is taken once',
    cause: error,
  });
}

/** What to do next travels beside the message, which ends with it. */
function asTold(code: ErrorCode, failure: ApplicationFailure, cause: Error): LockkeeperError {
  const message = errorMessage(failure);
  const next: unknown = failure.details?.[0];
  if (typeof next !== 'string' || !message.endsWith(`. ${next}`)) return new LockkeeperError(code, message, { cause });
  return new LockkeeperError(code, message.slice(0, -next.length - 2), { next, cause });
}
