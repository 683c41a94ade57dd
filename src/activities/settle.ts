import { setTimeout as delay } from 'node:timers/promises';
import { COMMAND_KILL_AFTER } from '../defaults.ts';
import { isLockkeeperError } from '../errors.ts';
import { endGuarded } from '../commands/end-guarded.ts';
import type { GuardedProcess } from '../commands/guarded-process.ts';
import { readSteps, recordStep } from '../ledger/deploy-steps.ts';
import type { DeployStepRow } from '../ledger/deploy-steps.ts';
import { recordOutcome, takeOver } from '../ledger/deploy-record.ts';
import { readDeploy } from '../ledger/deploys.ts';
import type { DeployRow } from '../ledger/deploys.ts';
import { openFence, readGates, releaseGate } from '../ledger/gates.ts';
import { deployStepId } from '../protocol.ts';
import type { DeployActivities } from '../protocol.ts';
import { releaseBrake } from './brake.ts';
import type { DeployDependencies } from './deploy-dependencies.ts';
import { isNotFound } from '../client/not-found.ts';

/** How long a step may take to stop by itself before it is terminated, milliseconds. */
const STOP_WITHIN = 20_000;

/**
 * For a deploy whose run is gone without an outcome (terminated, timed out): stops the steps that may still run, then
 * opens the gates it left closed, then writes the outcome. Repeats until all of it is true.
 */
export function createSettle(deps: DeployDependencies): DeployActivities['settleDeploy'] {
  const { ledger, client, ledgerId, log } = deps;

  return async ({ environment, deploy, reason }) => {
    const row = await known(environment, deploy);
    const token = (await takeOver(ledger, { environment, deploy })) ?? row?.token;
    for (const step of await readSteps(ledger, environment, deploy)) {
      if (!['started', 'compensating', 'inDoubt'].includes(step.state)) continue;
      await stopStep(environment, deploy, step);
      // Whether it had done its work nobody knows.
      if (token !== undefined && step.state !== 'inDoubt') {
        await recordStep(
          ledger,
          { environment, deploy, token },
          { n: step.n, state: 'inDoubt', note: `stopped: ${reason}` },
        );
      }
    }
    for (const gate of await readGates(ledger, environment)) {
      // The ledger was restored from a time before this gate was closed: only the server knows of it.
      if (!gate.owner) await releaseBrake(client, gate.taskQueue, ledgerId, { ...gate, generation: Infinity });
      if (gate.owner?.deploy !== deploy) continue;
      const opening = await openFence(ledger, gate.taskQueue, { deploy, token: token ?? gate.owner.token });
      if (!opening) continue;
      await releaseBrake(client, gate.taskQueue, ledgerId, opening);
      await releaseGate(ledger, opening);
      log.warn({ deploy, taskQueue: gate.taskQueue }, 'opened a gate whose deploy run was gone');
    }
    await recordOutcome(ledger, { environment, deploy }, 'failed', reason);
  };

  /** Undefined: the ledger was restored from a time before the deploy was asked for. */
  async function known(environment: string, deploy: string): Promise<DeployRow | undefined> {
    try {
      return await readDeploy(ledger, environment, deploy);
    } catch (error) {
      if (!isLockkeeperError(error, 'DEPLOY_NOT_FOUND')) throw error;
      log.warn(
        { deploy },
        'the ledger does not know the deploy whose run is gone: was it restored from an older backup?',
      );
      return undefined;
    }
  }

  async function stopStep(environment: string, deploy: string, step: DeployStepRow): Promise<void> {
    for (const name of [step.name, `${step.name}-rollback`]) {
      const handle = client.workflow.getHandle(deployStepId(environment, deploy, step.n, name));
      try {
        await handle.cancel();
        const until = Date.now() + STOP_WITHIN;
        while ((await handle.describe()).status.name === 'RUNNING' && Date.now() < until) await delay(200);
        if ((await handle.describe()).status.name === 'RUNNING')
          await handle.terminate('its deploy run is gone and it did not stop');
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    // The workflow has ended; that its process has, too, is proven on its host.
    if (step.guard) {
      const what = await endGuarded(step.guard as GuardedProcess, COMMAND_KILL_AFTER);
      if (what === 'other-host')
        log.warn(
          { deploy, step: step.name, guard: step.guard },
          'the command of this step ran on another host and cannot be looked at from here',
        );
    }
  }
}
