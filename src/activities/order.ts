import { isLockkeeperError } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import { longestAtomicMs } from '../ledger/claims.ts';
import { insertRequest, withdraw } from '../ledger/deploy-requests.ts';
import type { OpenDeployRow } from '../ledger/open-deploys.ts';
import { giveTurn } from '../ledger/order.ts';
import { actOnDeploy, actOnFreeze } from '../ledger/order-acts.ts';
import { windowAt } from '../order/freeze-windows.ts';
import type { DeployActivities, NextDeploy } from '../protocol.ts';
import type { DeployDependencies } from './deploy-dependencies.ts';
import { LONGEST_RUN, RUN_MARGIN, checkExternal, planOf, runTimeout } from './plans.ts';
import { refusing } from './refusing.ts';

type OrderActivities = Pick<
  DeployActivities,
  'acceptRequest' | 'withdrawDeploy' | 'actOnDeploy' | 'actOnFreeze' | 'nextDeploys'
>;

/** What is asked for, what people say about it, and whose turn it is. */
export function createOrderActivities(deps: DeployDependencies): OrderActivities {
  const { ledger } = deps;
  return {
    async acceptRequest({ environment, request }) {
      return refusing(async () => {
        const plan = planOf(deps, request);
        checkExternal(request, plan);
        const ticket = await insertRequest(ledger, environment, request, plan.approvals);
        await failpoint('request.accepted');
        return ticket;
      });
    },

    withdrawDeploy: ({ environment, withdrawal }) => refusing(() => withdraw(ledger, environment, withdrawal)),

    actOnDeploy: ({ environment, act }) => refusing(() => actOnDeploy(ledger, environment, act)),
    actOnFreeze: ({ environment, act }) => refusing(() => actOnFreeze(ledger, environment, act)),

    async nextDeploys({ environment }) {
      const { row, queued, freeze, now, lookAgainAt } = await giveTurn(ledger, environment, (at) =>
        windowAt(deps.freezeWindows, at),
      );
      await failpoint('turn.given');
      return {
        queued,
        ...(row && { next: await nextDeploy(row) }),
        ...(freeze && { freeze }),
        ...(lookAgainAt !== undefined && { lookAgainMs: Math.ceil(lookAgainAt - now) }),
      };
    },
  };

  async function nextDeploy({ id, row }: OpenDeployRow): Promise<NextDeploy> {
    const version = row.request.version ? ` of ${row.request.version}` : '';
    return {
      deploy: id,
      ...(row.approvalOrder !== undefined && { approvalOrder: row.approvalOrder }),
      runTimeoutMs: await runTimeoutOf(row),
      summary: `deploy ${id}${version}, plan ${row.plan}, by ${row.requestedBy}`,
    };
  }

  async function runTimeoutOf(row: OpenDeployRow['row']): Promise<number> {
    try {
      const plan = row.resolvedPlan ?? planOf(deps, row.request);
      return Math.min(LONGEST_RUN, runTimeout(plan) + (await longestAtomicMs(ledger, row.environment)));
    } catch (error) {
      // The plan is gone since the request was accepted. Its run says so and ends; the others must not wait for that.
      if (!isLockkeeperError(error)) throw error;
      return RUN_MARGIN;
    }
  }
}
