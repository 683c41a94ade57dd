import type { Client } from '@temporalio/client';

/** What the Web UI would show in red. */
export interface Spent {
  /** Of activities, above the first one of each. */
  readonly attempts: number;
  /** Activities that failed or timed out. */
  readonly failed: number;
}

/** Attempts and failures as the server recorded them; attempts `before` a moment only, if it is given. */
export async function spentIn(client: Client, workflowId: string, before = new Date(8.64e15)): Promise<Spent> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  let attempts = 0;
  let failed = 0;
  for (const event of events ?? []) {
    if (event.activityTaskFailedEventAttributes || event.activityTaskTimedOutEventAttributes) failed += 1;
    if (Number(event.eventTime?.seconds ?? 0) * 1_000 < before.getTime())
      attempts += (event.activityTaskStartedEventAttributes?.attempt ?? 1) - 1;
  }
  return { attempts, failed };
}

/** How many slices of a job ran: how often its code was begun. */
export async function slicesIn(client: Client, workflowId: string): Promise<number> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const { payloadConverter, payloadCodecs } = client.options.loadedDataConverter;
  let payloads = (events ?? []).flatMap((event) => event.activityTaskCompletedEventAttributes?.result?.payloads ?? []);
  for (const codec of payloadCodecs.toReversed()) payloads = await codec.decode(payloads);
  const outcomes = payloads.map((payload) => payloadConverter.fromPayload<{ kind?: string }>(payload));
  // One that was refused, because the gate had closed, has not begun anything.
  return outcomes.filter(({ kind }) => kind === 'yielded' || kind === 'done').length;
}
