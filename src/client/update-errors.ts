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
  if (code) return new LockkeeperError(code, errorMessage(cause), { cause: error });
  return new LockkeeperError('LEDGER_UNREACHABLE', `the request was not answered: ${errorMessage(cause)}`, {
    next: 'It may or may not have been written down: ask again under the same id, it is taken once',
    cause: error,
  });
}
