import { setTimeout as delay } from 'node:timers/promises';
import type { DeployClient, Whereabouts } from '../../client/deploy-client.ts';
import { notCurrent } from '../../client/not-current.ts';
import { waitingEvent } from '../../client/run-deploy.ts';
import type { DeployEnd, DeployEvent } from '../../client/run-deploy.ts';
import { errorMessage } from '../../errors.ts';
import type { DeployStatus } from '../../protocol.ts';

/** How often the deploy is looked at, milliseconds. */
const LOOK_EVERY = 500;

export interface AwaitDeployOptions {
  readonly deploys: DeployClient;
  readonly id: string;
  /** Milliseconds. */
  readonly timeoutMs?: number | undefined;
  readonly signal: AbortSignal;
  readonly onEvent: (event: DeployEvent) => void;
  /** Asked at every look at the running deploy; true ends the wait. May throw. */
  readonly reached: (status: DeployStatus) => boolean;
}

/**
 * Waits for a deploy without taking part in it, until it has ended or has reached what is waited for.
 * @throws {LockkeeperError} DEPLOY_NOT_CURRENT when it neither runs nor waits
 */
export async function awaitDeploy(options: AwaitDeployOptions): Promise<DeployEnd | 'reached'> {
  const { id, onEvent, signal } = options;
  const until = Date.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
  let runId: string | undefined;
  for (;;) {
    if (signal.aborted) return { kind: 'interrupted', reason: `stopped waiting; deploy ${id} goes on` };
    if (Date.now() >= until)
      return { kind: 'timedOut', reason: `deploy ${id} has not come that far in time; it goes on without us` };
    const where = await look(options, runId);
    switch (where?.at) {
      case 'ended':
        return {
          kind: 'ended',
          outcome: where.result.outcome,
          ...(where.result.reason !== undefined && { reason: where.result.reason }),
        };
      case 'lost':
        return { kind: 'ended', outcome: 'failed', reason: `its run ended as ${where.how}` };
      case 'unknown':
        throw notCurrent(id, options.deploys.environment);
      case 'waiting':
        onEvent(waitingEvent(where));
        break;
      case 'running':
        runId = where.runId;
        onEvent({ kind: 'status', status: where.status });
        if (options.reached(where.status)) return 'reached';
        break;
      case undefined:
        break;
    }
    await pause(signal);
  }
}

/** Undefined: nobody answered this time, which is told and is no reason to stop waiting. */
async function look(
  { deploys, id, onEvent }: AwaitDeployOptions,
  runId: string | undefined,
): Promise<Whereabouts | undefined> {
  try {
    return await deploys.find(id, runId);
  } catch (error) {
    onEvent({ kind: 'noAnswer', reason: errorMessage(error) });
    return undefined;
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  await delay(LOOK_EVERY, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
