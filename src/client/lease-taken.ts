import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { tsToDate } from '@temporalio/common/lib/time.js';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';

/** Who holds a lease, as its heartbeats say. */
export interface LeaseHolder {
  readonly pid: number;
  readonly host: string;
  readonly takenAt: Date | undefined;
  readonly heardAt: Date | undefined;
}

/** What a holder says of itself with each heartbeat. */
export const thisProcess = () => ({ pid: process.pid, host: hostname() });

/** The one that holds the lease of a step; undefined before its first heartbeat. */
export async function leaseHolder(client: Client, workflowId: string): Promise<LeaseHolder | undefined> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  for (const activity of raw.pendingActivities ?? []) {
    const [said] = await decodeArrayFromPayloads(
      client.options.loadedDataConverter,
      activity.heartbeatDetails?.payloads ?? [],
    );
    if (!isProcess(said)) continue;
    const takenAt = activity.lastStartedTime ? tsToDate(activity.lastStartedTime) : undefined;
    const heardAt = activity.lastHeartbeatTime ? tsToDate(activity.lastHeartbeatTime) : undefined;
    return { ...said, takenAt, heardAt };
  }
  return undefined;
}

const isProcess = (said: unknown): said is ReturnType<typeof thisProcess> =>
  typeof said === 'object' && said !== null && 'pid' in said && 'host' in said;

export const describeHolder = ({ pid, host, takenAt, heardAt }: LeaseHolder): string =>
  [
    `process ${pid} on ${host}`,
    ...(takenAt ? [`since ${takenAt.toISOString()}`] : []),
    ...(heardAt ? [`last heard of at ${heardAt.toISOString()}`] : []),
  ].join(', ');
