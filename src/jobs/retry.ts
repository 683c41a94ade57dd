/** How often errors of a job's own code are tried again. */
export interface RetryBudget {
  /** Failures without progress between them, the first included; 1 means no retry. */
  readonly maximumAttempts: number;
  readonly initialIntervalMs: number;
  readonly backoffCoefficient: number;
  readonly maximumIntervalMs: number;
}

/** Pause before the next attempt, milliseconds: initial × coefficient^(failures − 1), at most the maximum. */
export function backoffMs(retry: RetryBudget, failures: number): number {
  return Math.min(retry.maximumIntervalMs, retry.initialIntervalMs * retry.backoffCoefficient ** (failures - 1));
}

/** Whether the job is tried again after an error of its own code, of which there were `before` since its last progress. */
export function afterFailure(
  retry: RetryBudget,
  before: number,
  retryable: boolean,
): { readonly failures: number; readonly again: boolean } {
  const failures = before + 1;
  return { failures, again: retryable && failures < retry.maximumAttempts };
}
