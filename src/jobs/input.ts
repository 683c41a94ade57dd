import { LockkeeperError, errorMessage } from '../errors.ts';
import type { AnyJob } from './define-job.ts';

/**
 * The input as the job's own code gets it.
 * @throws {LockkeeperError} JOB_INPUT_INVALID
 */
export function parseInput(definition: AnyJob, input: unknown): unknown {
  const parse = definition.options.parseInput;
  if (!parse) return input;
  try {
    return parse(input) as unknown;
  } catch (error) {
    throw new LockkeeperError(
      'JOB_INPUT_INVALID',
      `the input of job ${definition.name} does not parse: ${errorMessage(error)}`,
      {
        next: 'Start it again with a corrected input',
        cause: error,
      },
    );
  }
}
