import { isNotFound } from '../../client/not-found.ts';
import { LockkeeperError } from '../../errors.ts';

/** Asks about a job. @throws {LockkeeperError} JOB_NOT_FOUND */
export async function elseNoJob<T>(id: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new LockkeeperError('JOB_NOT_FOUND', `there is no job ${id}, or it has ended`, {
      next: 'See `lockkeeper job list`',
      cause: error,
    });
  }
}
