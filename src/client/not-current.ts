import { LockkeeperError } from '../errors.ts';
import { isNotFound } from './not-found.ts';

export const notCurrent = (id: string, environment: string, cause?: unknown) =>
  new LockkeeperError('DEPLOY_NOT_CURRENT', `deploy ${id} neither runs nor waits in environment ${environment}`, {
    next: `It may have ended: see \`lockkeeper deploy show ${id}\``,
    cause,
  });

/** Speaks to a deploy; where there is no workflow to speak to, the deploy does not run. */
export async function elseNotCurrent<T>(id: string, environment: string, speak: () => Promise<T>): Promise<T> {
  try {
    return await speak();
  } catch (error) {
    throw isNotFound(error) ? notCurrent(id, environment, error) : error;
  }
}
