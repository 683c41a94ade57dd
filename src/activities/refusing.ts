import { ApplicationFailure } from '@temporalio/activity';
import { isLockkeeperError } from '../errors.ts';

/** Refusals cross to the workflow by their code and are not tried again; anything else is. */
export async function refusing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!isLockkeeperError(error)) throw error;
    throw ApplicationFailure.create({
      message: error.message,
      type: error.code,
      nonRetryable: true,
      details: error.next === undefined ? [] : [error.next],
      cause: error,
    });
  }
}
