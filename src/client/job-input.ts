import { LockkeeperError, errorMessage } from '../errors.ts';
import type { AnyJob } from '../jobs/define-job.ts';
import { contentHash } from '../ledger/deploys.ts';
import { isOfDeploys } from '../protocol/payloads.ts';

/** Temporal takes no payload above 2 MiB; some of that is for the rest of it. */
const INPUT_LIMIT_BYTES = 2 * 1024 * 1024 - 4_096;

const invalid = (what: string, next: string, cause?: unknown) =>
  new LockkeeperError('JOB_INPUT_INVALID', what, { next, cause });

/** Temporal takes no longer id of a workflow, bytes. */
const ID_LIMIT_BYTES = 1_000;

/**
 * The id of a job or graph becomes that of its workflow; that of a job stands in the ledger.
 * @throws {LockkeeperError} USAGE
 */
export function checkJobId(id: string, of: 'job' | 'graph' = 'job'): string {
  if (isOfDeploys(id))
    throw new LockkeeperError('USAGE', `the id of a ${of} is ${JSON.stringify(id)}, and such are those of deploys`, {
      next: 'Let it begin otherwise',
    });
  const bytes = Buffer.byteLength(id);
  if (bytes > 0 && bytes <= ID_LIMIT_BYTES && !/\p{Cc}/u.test(id) && id.isWellFormed()) return id;
  const found = bytes > 100 ? `${bytes} bytes` : JSON.stringify(id);
  throw new LockkeeperError('USAGE', `the id of a ${of} is ${found}`, {
    next: `Give it 1 to ${ID_LIMIT_BYTES} bytes without control characters, or none: then it is a random one`,
  });
}

/**
 * Looks at an input as the worker will see it, after JSON; returns its hash, the same for equal inputs.
 * @throws {LockkeeperError} JOB_INPUT_INVALID when it is too large, cannot be JSON or is refused by the job's `parseInput`
 */
export function checkedInputHash(definition: AnyJob, input: unknown): string {
  const sent = asSent(definition, input);
  expectParses(definition, sent);
  return contentHash(sent ?? null);
}

/**
 * An input after JSON; undefined stays what it is.
 * @throws {LockkeeperError} JOB_INPUT_INVALID when it is too large or cannot be JSON
 */
export function asSent({ name }: AnyJob, input: unknown): unknown {
  let json: string | undefined;
  try {
    json = JSON.stringify(input);
  } catch (error) {
    throw invalid(
      `the input of job ${name} cannot be JSON: ${errorMessage(error)}`,
      'Keep only plain objects, arrays, strings, numbers, booleans and null in it',
      error,
    );
  }
  const bytes = Buffer.byteLength(json ?? '');
  if (bytes > INPUT_LIMIT_BYTES) {
    throw invalid(
      `the input of job ${name} has ${bytes} bytes of JSON, at most ${INPUT_LIMIT_BYTES} are possible`,
      'Put the data where the job can read it, and give it the place: a path, a key, a query',
    );
  }
  return json === undefined ? undefined : (JSON.parse(json) as unknown);
}

/** @throws {LockkeeperError} JOB_INPUT_INVALID when the job's `parseInput` refuses it */
export function expectParses({ name, options }: AnyJob, sent: unknown): void {
  try {
    options.parseInput?.(structuredClone(sent));
  } catch (error) {
    throw invalid(`the input of job ${name} does not parse: ${errorMessage(error)}`, 'Correct it', error);
  }
}
