import { setTimeout as delay } from 'node:timers/promises';
import { ActivityCancelledError, ActivityNotFoundError } from '@temporalio/client';
import type { Lease } from '../protocol.ts';
import type { StepLeases } from './step-leases.ts';

/** Heartbeats in one lease: enough that a lost one costs nothing. */
const BEATS_PER_LEASE = 6;

export type LeaseLoss = 'cancelled' | 'lost';

/**
 * Holds a lease by heartbeats until `over` fires. Resolves with how it was lost: `cancelled` by the deploy, or `lost`
 * because the server knows it no longer, or has not answered for half its time. By then nobody else can have it yet.
 */
export async function holdLease(leases: StepLeases, lease: Lease, over: AbortSignal): Promise<LeaseLoss | undefined> {
  // No wall clock: one that is set back would let a lost lease be believed in.
  let answered = performance.now();
  while (!over.aborted) {
    try {
      await leases.heartbeat(lease);
      answered = performance.now();
    } catch (error) {
      if (over.aborted) return undefined;
      if (error instanceof ActivityCancelledError) return 'cancelled';
      if (error instanceof ActivityNotFoundError) return 'lost';
      if (performance.now() - answered >= lease.leaseMs / 2) return 'lost';
    }
    await delay(lease.leaseMs / BEATS_PER_LEASE, undefined, { signal: over }).catch((error: unknown) => {
      if (!over.aborted) throw error;
    });
  }
  return undefined;
}
