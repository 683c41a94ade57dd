import { z } from 'zod';
import {
  choice,
  count,
  durationOrZero,
  list,
  mapOf,
  maybe,
  name,
  options,
  positiveDuration,
  text,
  variableNamed,
  variableName,
  yesOrNo,
} from './values.ts';
import { steps } from './steps.ts';

const path = text('a path');
const queueName = text('the name of a task queue');

const drain = options({
  deadline: maybe(positiveDuration),
  onTimeout: maybe(choice('abandon', 'wait', 'abort')),
  wait: maybe(durationOrZero),
});

const parameter = options({
  pattern: maybe(text('a regular expression').refine(isPattern, { error: 'a regular expression' })),
  required: maybe(yesOrNo),
});

const plan = options({
  queues: maybe(list(queueName, 'a list of task queues')),
  onFailure: maybe(choice('rollback', 'hold')),
  hold: maybe(durationOrZero),
  drain: maybe(drain),
  parameters: maybe(mapOf(variableName, maybe(parameter), 'a map of parameters')),
  steps,
});

/** The shape of `lockkeeper.yaml`. What holds between options is in `checks/`. */
export const configSchema = options({
  environment: name,
  jobs: maybe(
    z.preprocess(
      (value) => (typeof value === 'string' && value !== '' ? [value] : value),
      list(path, 'a path or a list of paths'),
    ),
  ),
  workflows: maybe(path),
  worker: maybe(
    options({
      buildId: maybe(text('the id of a build; put numbers in quotes')),
      maxConcurrentSlices: maybe(count('a whole number above 0')),
      shutdownGrace: maybe(durationOrZero),
      shutdownForce: maybe(positiveDuration),
    }),
  ),
  drain: maybe(drain),
  queues: maybe(
    mapOf(
      queueName,
      maybe(options({ after: maybe(list(queueName, 'a list of task queues')) })),
      'a map of task queues',
    ),
  ),
  participants: maybe(list(name, 'a list of names')),
  databases: maybe(
    mapOf(
      name,
      options({ env: variableNamed('the name of the environment variable that holds the URL, not the URL itself') }),
      'a map of databases',
    ),
  ),
  plans: maybe(mapOf(name, plan, 'a map of plans')),
});

export type ParsedConfig = z.output<typeof configSchema>;
export type ParsedPlan = z.output<typeof plan>;

function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern);
    return true;
  } catch {
    return false;
  }
}
