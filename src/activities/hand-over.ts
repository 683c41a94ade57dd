import type { Client } from '@temporalio/client';
import { isNotFound } from '../client/not-found.ts';
import type { ClaimRow } from '../ledger/claims.ts';
import type { SliceOutcome } from '../protocol.ts';

/** One call to the server, milliseconds. */
const CALL_DEADLINE = 5_000;

/** Tells the server that a slice whose claim has ended stepped aside, in place of its worker. The job goes on at once. */
export async function completeAsYielded(client: Client, claim: ClaimRow, reason: string): Promise<void> {
  const outcome: SliceOutcome = { kind: 'yielded', seq: claim.seq, reason };
  // By its task token and never by its id, which can hit a newer attempt.
  await unlessOver(client, () => client.activity.complete(claim.taskToken, outcome));
}

/**
 * The next task of a workflow goes to any worker. Without this it waits for the one that ran the last task, also when that
 * one is gone, until the server gives up on it.
 */
export async function forgetWorkerOf(client: Client, workflowId: string): Promise<void> {
  await unlessOver(client, () =>
    client.workflowService.resetStickyTaskQueue({
      namespace: client.options.namespace,
      execution: { workflowId },
    }),
  );
}

/** Not found: it has ended, which is what was to be achieved. */
async function unlessOver(client: Client, call: () => Promise<unknown>): Promise<void> {
  try {
    await client.withDeadline(Date.now() + CALL_DEADLINE, call);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
