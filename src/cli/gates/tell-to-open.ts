import type { DeployClient } from '../../client/deploy-client.ts';
import { isLockkeeperError } from '../../errors.ts';
import type { Withdrawal } from '../../protocol.ts';

/** What a deploy of `gates close` was told. */
export type Told = 'skipStep' | 'abort' | 'withdrawn' | 'opening';

/** Takes back a closing that waits, ends one that drains, and ends the time of one that holds its gates closed. */
export async function tellToOpen(deploys: DeployClient, { deploy, reason, by }: Withdrawal): Promise<Told> {
  const where = await deploys.find(deploy);
  if (where.at !== 'running') {
    await deploys.withdraw({ deploy, reason, by });
    return 'withdrawn';
  }
  const action = where.status.steps.some((step) => step.state === 'started') ? 'skipStep' : 'abort';
  try {
    await deploys.operate({ deploy, action, reason, by });
    return action;
  } catch (error) {
    // Its time was over in the same moment: what is asked for happens.
    if (isLockkeeperError(error, 'USAGE') || isLockkeeperError(error, 'DEPLOY_NOT_CURRENT')) return 'opening';
    throw error;
  }
}
