import type { DeployClient } from '../../client/deploy-client.ts';
import { looksAtDeploy } from '../../client/watch-deploy.ts';
import type { DeployEnd, DeployEvent } from '../../client/run-deploy.ts';
import type { DeployStatus } from '../../protocol.ts';

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
  const { deploys, id, timeoutMs, signal } = options;
  const leave = timeoutMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  for await (const news of looksAtDeploy(deploys, undefined, id, leave)) {
    if (news.kind === 'ended') return news;
    options.onEvent(news);
    if (news.kind === 'status' && options.reached(news.status)) return 'reached';
  }
  if (signal.aborted) return { kind: 'interrupted', reason: `stopped waiting; deploy ${id} goes on` };
  return { kind: 'timedOut', reason: `deploy ${id} has not come that far in time; it goes on without us` };
}
