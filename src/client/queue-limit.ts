import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { LimitBefore } from '../ledger/gates.ts';

/** One call to the server, milliseconds; without a deadline it hangs in retries while the server is away. */
const CALL_DEADLINE = 10_000;
const ACTIVITY = proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY;

/** The queue's own rate limit for activities as the server holds it now; undefined: none was ever set. */
export async function readLimit(client: Client, taskQueue: string): Promise<LimitBefore | undefined> {
  const reply = await withDeadline(client, () =>
    client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: ACTIVITY,
      reportConfig: true,
    }),
  );
  const found = reply.config?.queueRateLimit;
  if (!found) return undefined;
  // A rate of 0 is left out of the message: what counts is that `rateLimit` is there.
  const rate = found.rateLimit ? (found.rateLimit.requestsPerSecond ?? 0) : undefined;
  const reason = found.metadata?.reason;
  return { ...(rate !== undefined && { rate }), ...(reason && { reason }) };
}

/** Sets the queue's own rate limit; without a `rate` it has none. */
export async function setLimit(client: Client, taskQueue: string, limit: LimitBefore): Promise<void> {
  await withDeadline(client, () =>
    client.workflowService.updateTaskQueueConfig({
      namespace: client.options.namespace,
      identity: 'lockkeeper',
      taskQueue,
      taskQueueType: ACTIVITY,
      updateQueueRateLimit: {
        ...(limit.rate !== undefined && { rateLimit: { requestsPerSecond: limit.rate } }),
        reason: limit.reason ?? '',
      },
    }),
  );
}

const withDeadline = <T>(client: Client, call: () => Promise<T>) =>
  client.withDeadline(Date.now() + CALL_DEADLINE, call);
