import { LockkeeperError } from '../errors.ts';
import type { Config, ConfigWithQueues } from './config.ts';
import { unknownWord } from '../did-you-mean.ts';
import { shortPath } from './problems.ts';

/**
 * The config with its queues: those it declares or, if it declares none, the given ones of what was loaded, none of which
 * feeds another.
 * @throws {LockkeeperError} CONFIG_INVALID when a plan pauses a queue that is not among them
 * @example const ready = withQueues(config, (await loadDefinitions(config)).taskQueues);
 */
export function withQueues(config: Config, taskQueues: Iterable<string>): ConfigWithQueues {
  const { queues } = config;
  if (queues) return { ...config, queues };
  const known = [...new Set(taskQueues)];
  const problems = [...config.plans].flatMap(([name, plan]) =>
    (plan.queues ?? [])
      .filter((queue) => !known.includes(queue))
      .map((queue) => `plan \`${name}\`: ${unknownWord('queue', `\`${queue}\``, queue, known)}`),
  );
  if (problems.length > 0) {
    throw new LockkeeperError(
      'CONFIG_INVALID',
      `${shortPath(config.file)} does not fit the jobs, whose queues it uses\n${problems.join('\n')}`,
    );
  }
  return { ...config, queues: known.map((taskQueue) => ({ taskQueue, after: [] })) };
}
