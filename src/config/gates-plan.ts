import { GATES_CLOSED_FOR, HOLD } from '../defaults.ts';
import { milliseconds } from '../duration.ts';
import { LockkeeperError } from '../errors.ts';
import { GATES_PLAN } from '../protocol.ts';
import type { ConfigWithQueues, PlanConfig } from './config.ts';
import { unknownWord } from '../did-you-mean.ts';

/**
 * The plan that exists without being written: closes gates, drains, and waits until a person opens them again or the time is
 * over. Its parameters: `for`, a duration; `queues`, with commas between; `reason`, for the record.
 * @throws {LockkeeperError} DEPLOY_INVALID for queues that do not exist and for a time that is none
 */
export function gatesPlan(config: ConfigWithQueues, parameters: Readonly<Record<string, string>>): PlanConfig {
  const { queues, for: time } = parameters;
  return {
    ...(queues !== undefined && { queues: queuesOf(config, queues) }),
    parameters: new Map([
      ['for', { required: false }],
      ['queues', { required: false }],
      ['reason', { required: true }],
    ]),
    drain: config.drain,
    steps: [{ type: 'wait', name: 'closed', timeoutMs: time === undefined ? GATES_CLOSED_FOR : timeOf(time) }],
    onFailure: 'rollback',
    holdMs: HOLD,
  };
}

function queuesOf(config: ConfigWithQueues, text: string): string[] {
  const known = config.queues.map(({ taskQueue }) => taskQueue);
  const asked = text.split(',').map((queue) => queue.trim());
  const unknown = asked.filter((queue) => !known.includes(queue));
  if (unknown.length > 0)
    throw invalid(unknown.map((queue) => unknownWord('queue', `\`${queue}\``, queue, known)).join('\n'));
  return asked;
}

function timeOf(text: string): number {
  let ms = 0;
  try {
    ms = milliseconds(text);
  } catch (cause) {
    throw invalid(`\`for\` must be a duration such as 30m, found ${JSON.stringify(text)}`, cause);
  }
  if (ms > 0) return ms;
  throw invalid('`for` must be longer than 0');
}

const invalid = (problem: string, cause?: unknown) =>
  new LockkeeperError('DEPLOY_INVALID', `plan \`${GATES_PLAN}\`: ${problem}`, { cause });
