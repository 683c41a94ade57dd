import { LockkeeperError, errorMessage } from '../errors.ts';

/** The input travels through Temporal as JSON. */
export function throughJson(job: string, input: unknown): unknown {
  if (input === undefined) return undefined;
  try {
    return JSON.parse(JSON.stringify(input)) as unknown;
  } catch (error) {
    throw new LockkeeperError('JOB_INPUT_INVALID', `the input of job ${job} cannot be JSON: ${errorMessage(error)}`, {
      next: 'Keep only plain objects, arrays, strings, numbers, booleans and null in it',
      cause: error,
    });
  }
}
