import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { readLimit, setLimit } from '../client/queue-limit.ts';
import { LockkeeperError } from '../errors.ts';
import type { LimitBefore } from '../ledger/gates.ts';

/** How long the server may go on showing the limit from before, and how often it is asked, milliseconds. */
const SEEN_WITHIN = 5_000;
const LOOK_EVERY = 50;

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
