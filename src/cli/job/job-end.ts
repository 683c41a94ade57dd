import { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { errorMessage } from '../../errors.ts';

export type JobEnd =
  | { readonly state: 'done'; readonly result: unknown }
  | { readonly state: 'failed' | 'cancelled'; readonly reason: string };

/** How a job or graph has ended; waits for it. */
export async function jobEnd(handle: { result(): Promise<unknown> }): Promise<JobEnd> {
  try {
    return { state: 'done', result: await handle.result() };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const cause = error.cause ?? error;
    return { state: cause instanceof CancelledFailure ? 'cancelled' : 'failed', reason: errorMessage(cause) };
  }
}
