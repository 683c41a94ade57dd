import type { JobClient } from '../../client/job-client.ts';
import { isNotFound } from '../../client/not-found.ts';
import { didYouMean } from '../../did-you-mean.ts';
import { LockkeeperError, isLockkeeperError } from '../../errors.ts';

/** The latest jobs, among which the one that was meant is looked for. */
const LATEST = 200;

/** Asks about a job. @throws {LockkeeperError} JOB_NOT_FOUND, with the id that was probably meant */
export async function elseNoJob<T>(id: string, jobs: JobClient, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isNotFound(error) && !isLockkeeperError(error, 'JOB_NOT_FOUND')) throw error;
    const latest = await jobs.list({ limit: LATEST });
    if (latest.some(({ workflowId }) => workflowId === id))
      throw new LockkeeperError('JOB_NOT_FOUND', `job ${id} has ended`, {
        next: `See \`lockkeeper job show ${id}\``,
        cause: error,
      });
    const meant = didYouMean(
      id,
      latest.map((job) => job.workflowId),
    );
    throw new LockkeeperError(
      'JOB_NOT_FOUND',
      `there is no job ${id}${meant === undefined ? '' : `; did you mean \`${meant}\`?`}`,
      { ...(meant === undefined && { next: 'See `lockkeeper job list`' }), cause: error },
    );
  }
}
