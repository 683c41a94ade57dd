import type { CoordinatorStatus } from '../protocol.ts';
import type { Waiting } from './deploy-client.ts';

/** What a deploy waits for, by what coordinator or ledger say; undefined: it does not wait. Pure. */
export function waitingIn(
  { queued, running, freeze }: Pick<CoordinatorStatus, 'queued' | 'running' | 'freeze'>,
  deploy: string,
): Waiting | undefined {
  const own = queued.find((q) => q.deploy === deploy);
  if (!own) return undefined;
  if (own.waitsFor) return { ahead: [], waitsFor: own.waitsFor };
  const before = queued.slice(0, queued.indexOf(own)).map((q) => q.deploy);
  return {
    ahead: [...(running === undefined ? [] : [running]), ...before],
    ...(freeze && !own.throughFreeze && { freeze }),
  };
}
