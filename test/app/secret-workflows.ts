import {
  ApplicationFailure,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import { runJob } from '../../src/workflow.ts';
import type { whisper } from './secret-jobs.ts';

export const heard = defineQuery<readonly string[]>('heard');
export const tell = defineSignal<[string]>('tell');
export const ask = defineUpdate<string, [string]>('ask');

/** A workflow of a user's own: told by a signal and an update, then a job of its own. */
export async function listening(secret: string): Promise<readonly string[]> {
  const all = [secret];
  setCurrentDetails(`listens to ${secret}`);
  setHandler(heard, () => all);
  setHandler(tell, (told) => void all.push(told));
  setHandler(ask, (asked) => {
    all.push(asked);
    return `you said ${asked}`;
  });
  await condition(() => all.length === 3);
  const { last } = await runJob<typeof whisper>('whisper', { secret, times: 2 });
  return [...all, String(last)];
}

export async function complaining(secret: string): Promise<never> {
  await condition(() => secret !== '');
  throw ApplicationFailure.nonRetryable(`cannot bear ${secret}`, 'TOO_MUCH', [secret]);
}
