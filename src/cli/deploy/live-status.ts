import type { DeployClient } from '../../client/deploy-client.ts';
import { errorMessage } from '../../errors.ts';
import type { DeployStatus } from '../../protocol.ts';
import { describeWaits } from './waiting.ts';
import type { Waits } from './waiting.ts';

/** What the run of a deploy says of itself now. */
export type Live = { readonly status: DeployStatus } | Waits | { readonly noAnswer: string };

/** Undefined: it does not run and does not wait. That nobody answers is part of the picture, not an error. */
export async function liveStatus(deploys: DeployClient, id: string): Promise<Live | undefined> {
  try {
    const where = await deploys.find(id);
    if (where.at === 'running') return { status: where.status };
    if (where.at !== 'waiting') return undefined;
    const { ahead, waitsFor, freeze } = where;
    return { ahead, ...(waitsFor && { waitsFor }), ...(freeze && { freeze }) };
  } catch (error) {
    return { noAnswer: errorMessage(error) };
  }
}

/** What a person can do about a deploy that waits for one. */
export function whatToDo(live: Live | undefined): string[] {
  if (!live || !('status' in live) || !live.status.held) return [];
  const { deploy, held } = live.status;
  const choices = held.step === undefined ? ['resume', 'abort'] : ['retry-step', 'skip-step', 'abort'];
  return [
    `It waits for you: ${choices.map((choice) => `lockkeeper deploy ${choice} ${deploy} --reason …`).join(' | ')}`,
  ];
}

/** One line. */
export function describeLive(live: Live): string {
  if ('noAnswer' in live) return `no answer: ${live.noAnswer}`;
  if ('ahead' in live) return describeWaits(live);
  const { phase, code, draining, held } = live.status;
  const parts = [`${phase} (code ${code})`, ...(draining.length > 0 ? [`waiting for ${draining.join(', ')}`] : [])];
  return held ? `held until ${new Date(held.until).toISOString()}: ${held.reason}` : parts.join(', ');
}
