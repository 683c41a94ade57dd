import { didYouMean } from '../../did-you-mean.ts';
import { LockkeeperError, isLockkeeperError } from '../../errors.ts';
import { listDeploys, readDeploy } from '../../ledger/deploys.ts';
import type { DeployRow } from '../../ledger/deploys.ts';
import type { Ledger } from '../../ledger/pool.ts';
import { unknownEnvironment } from '../unknown-environment.ts';

/** The latest deploys, among which the one that was meant is looked for. */
const LATEST = 200;

/** A deploy of the record. @throws {LockkeeperError} DEPLOY_NOT_FOUND, with the id or environment that was probably meant */
export async function knownDeploy(ledger: Ledger, environment: string, id: string): Promise<DeployRow> {
  try {
    return await readDeploy(ledger, environment, id);
  } catch (error) {
    if (!isLockkeeperError(error, 'DEPLOY_NOT_FOUND')) throw error;
    const unknown = await unknownEnvironment(ledger, environment);
    if (unknown !== undefined) throw new LockkeeperError('DEPLOY_NOT_FOUND', `deploy ${id}: ${unknown}`);
    const latest = await listDeploys(ledger, environment, LATEST);
    const meant = didYouMean(
      id,
      latest.map((deploy) => deploy.id),
    );
    if (meant === undefined) throw error;
    throw new LockkeeperError(
      'DEPLOY_NOT_FOUND',
      `environment ${environment} has no deploy ${id}, did you mean \`${meant}\`?`,
    );
  }
}
