import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type { DeployActivities } from '../protocol.ts';

/** One act on ledger or server: a few round trips; longer means that one of them is away. */
const ACT_TIMEOUT = '30 seconds';
/** An act whose deploy worker falls silent is given to another one; it heartbeats every second by itself. */
const SILENT_FOR = '5 seconds';
/** Ledger or server away: asked again soon, and for as long as the run lives. */
const RETRY = { initialInterval: '500 milliseconds', backoffCoefficient: 1.5, maximumInterval: '5 seconds' } as const;

const act = (summary: string, options: ActivityOptions = {}) =>
  proxyActivities<DeployActivities>({
    startToCloseTimeout: ACT_TIMEOUT,
    heartbeatTimeout: SILENT_FOR,
    retry: RETRY,
    summary,
    ...options,
  });

/** An act of a deploy, repeated until it succeeds or refuses. `summary` is what the Web UI shows. */
export const acts = act;

/** Accepting a request: the caller waits, so a ledger that is away is a clean refusal. */
export const accepting = act('accept the request', {
  startToCloseTimeout: '5 seconds',
  scheduleToCloseTimeout: '5 seconds',
});

/** Waiting for a run's end, however long it takes. */
export const waiting = (summary: string) => act(summary, { startToCloseTimeout: '365 days' });

/** Closing a gate: with `lock_timeout` and retries of the throttled server call. */
export const closing = (taskQueue: string) =>
  act(`close the gate of ${taskQueue}`, { startToCloseTimeout: '60 seconds' });

/** Attempts of a step that may be repeated, when its deploy worker is lost or stops. */
const REPEATABLE = {
  maximumAttempts: 10,
  initialInterval: '1 second',
  backoffCoefficient: 1.5,
  maximumInterval: '10 seconds',
} as const;

/** The work of a step: tried once, unless repeating does no harm; else never twice without a person's word. */
export const stepWork = (summary: string, o: { timeoutMs: number; heartbeatTimeoutMs: number; repeatable: boolean }) =>
  act(summary, {
    startToCloseTimeout: o.timeoutMs,
    scheduleToCloseTimeout: o.timeoutMs,
    heartbeatTimeout: o.heartbeatTimeoutMs,
    retry: o.repeatable ? REPEATABLE : { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
