import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { LockkeeperError } from '../errors.ts';
import type { LimitBefore } from '../ledger/gates.ts';

/** One call to the server, milliseconds; without a deadline it hangs in retries while the server is away. */
const CALL_DEADLINE = 10_000;
/** How long the server may go on showing the limit from before, and how often it is asked, milliseconds. */
const SEEN_WITHIN = 5_000;
const LOOK_EVERY = 50;
const ACTIVITY = proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY;

/** Whose the brake of a gate is; it stands on the server as the reason of the queue's rate limit, for everybody to see. */
export interface BrakeMark {
  readonly ledgerId: string;
  readonly environment: string;
  readonly deploy: string;
  readonly generation: number;
}

const PREFIX = 'lockkeeper ';
export const brakeReason = (m: BrakeMark) => `${PREFIX}${m.ledgerId}/${m.environment}/${m.deploy}/${m.generation}`;
/** A brake of this ledger, whichever deploy's. */
export const isOurBrake = (limit: LimitBefore | undefined, ledgerId: string) =>
  limit?.reason?.startsWith(`${PREFIX}${ledgerId}/`) === true;
const isAnotherLedgersBrake = (limit: LimitBefore | undefined, ledgerId: string) =>
  limit?.rate === 0 && limit.reason?.startsWith(PREFIX) === true && !isOurBrake(limit, ledgerId);

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

/**
 * Holds back a queue's activities on the server.
 * @throws {LockkeeperError} BRAKE_OF_ANOTHER_LEDGER
 */
export async function brake(client: Client, taskQueue: string, mark: BrakeMark): Promise<void> {
  const now = await readLimit(client, taskQueue);
  refuseForeign(now, taskQueue, mark.ledgerId);
  const reason = brakeReason(mark);
  if (now?.rate === 0 && now.reason === reason) return;
  await setLimit(client, taskQueue, { rate: 0, reason });
  const until = Date.now() + SEEN_WITHIN;
  for (;;) {
    const after = await readLimit(client, taskQueue);
    if (after?.rate === 0 && after.reason === reason) return;
    if (Date.now() >= until)
      throw new Error(
        `the brake of ${taskQueue} does not hold: the server says ${JSON.stringify(after)} after it was set`,
      );
    await delay(LOOK_EVERY);
  }
}

/** @throws {LockkeeperError} BRAKE_OF_ANOTHER_LEDGER */
export function refuseForeign(limit: LimitBefore | undefined, taskQueue: string, ledgerId: string): void {
  if (!isAnotherLedgersBrake(limit, ledgerId)) return;
  throw new LockkeeperError(
    'BRAKE_OF_ANOTHER_LEDGER',
    `task queue ${taskQueue} is paused by another ledger: ${limit?.reason}`,
    {
      next: 'One queue belongs to one ledger; if that ledger is gone, clear the limit with `temporal task-queue config set`',
    },
  );
}

/** Puts back the limit from before, unless somebody else has changed it meanwhile. */
export async function releaseBrake(
  client: Client,
  taskQueue: string,
  ledgerId: string,
  gate: { readonly generation: number; readonly limitBefore: LimitBefore | undefined },
): Promise<void> {
  const now = await readLimit(client, taskQueue);
  if (now?.rate !== 0 || !isOurBrake(now, ledgerId)) return;
  // A later generation is the brake of a later close: not this one's to release.
  if (Number(now.reason?.split('/').at(-1)) > gate.generation) return;
  await setLimit(client, taskQueue, gate.limitBefore ?? {});
}

async function setLimit(client: Client, taskQueue: string, limit: LimitBefore): Promise<void> {
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
