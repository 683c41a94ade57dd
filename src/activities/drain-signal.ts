import type { Client } from '@temporalio/client';
import type { EndedClaim } from '../ledger/claims.ts';
import type { Logger } from '../log.ts';
import { QUEUE_DRAINED_SIGNAL, coordinatorId } from '../protocol.ts';
import type { QueueDrained } from '../protocol.ts';

/** Tells the coordinator that a queue is drained. Only a nudge: the deploy confirms by the ledger, and asks by itself. */
export async function signalDrained(
  client: Client,
  drained: NonNullable<EndedClaim['drained']>,
  log: Logger,
): Promise<void> {
  const payload: QueueDrained = {
    taskQueue: drained.taskQueue,
    deploy: drained.deploy,
    generation: drained.generation,
  };
  try {
    await client.withDeadline(Date.now() + 5_000, () =>
      client.workflow.getHandle(coordinatorId(drained.environment)).signal(QUEUE_DRAINED_SIGNAL, payload),
    );
  } catch (error) {
    log.warn(
      { err: error, taskQueue: drained.taskQueue },
      'the drain signal could not be sent; the deploy will find out by itself',
    );
  }
}
