import { ApplicationFailure } from '@temporalio/activity';
import { failpoint } from '../failpoints.ts';
import type { ClaimRow } from '../ledger/claims.ts';
import { SESSIONS_LEFT, endForeignClaim, runningClaims } from '../ledger/claims.ts';
import { beginAct } from '../ledger/deploy-record.ts';
import { addEvent } from '../ledger/events.ts';
import {
  closeFence,
  ensureGate,
  isDrained,
  keepLimit,
  openFence,
  readGate,
  readGates,
  releaseGate,
} from '../ledger/gates.ts';
import type { GateRow } from '../ledger/gates.ts';
import { recordLateDrain } from '../ledger/late-drain.ts';
import { standingQueues } from '../ledger/movement.ts';
import type { DeployActivities, DeployRef, QueueState } from '../protocol.ts';
import { isNotFound } from '../client/not-found.ts';
import { readLimit } from '../client/queue-limit.ts';
import { brake, brakeReason, isOurBrake, refuseForeign, releaseBrake } from './brake.ts';
import type { DeployDependencies } from './deploy-dependencies.ts';
import { LockkeeperError } from '../errors.ts';
import { completeAsYielded } from './hand-over.ts';
import { refusing } from './refusing.ts';

type GateActivities = Pick<
  DeployActivities,
  'closeGate' | 'assertGates' | 'readDrain' | 'abandonSlices' | 'openGate' | 'stillStanding'
>;

/** Gates: the fence in the ledger, then the brake on the server; opened in the same order. */
export function createGateActivities(deps: DeployDependencies): GateActivities {
  const { ledger, client, ledgerId, log } = deps;
  const owner = (ref: DeployRef) => ({ deploy: ref.deploy, token: ref.token });
  const mine = async (ref: DeployRef): Promise<GateRow[]> =>
    (await readGates(ledger, ref.environment)).filter(
      (gate) => gate.owner?.deploy === ref.deploy && gate.owner.token === ref.token,
    );
  const stateOf = async (gate: { taskQueue: string; generation: number }): Promise<QueueState> => {
    const claims = await runningClaims(ledger, gate.taskQueue);
    return {
      taskQueue: gate.taskQueue,
      generation: gate.generation,
      drained: await isDrained(ledger, gate.taskQueue),
      running: claims.length,
      atomic: claims.filter((claim) => claim.mayNotBeStopped).length,
    };
  };

  return {
    closeGate: ({ taskQueue, act, ...ref }) => refusing(() => closeGate(ref, act, taskQueue)),

    assertGates: (ref) => refusing(() => assertGates(ref)),

    async readDrain(ref) {
      const states: QueueState[] = [];
      for (const gate of await mine(ref)) states.push(await stateOf(gate));
      await recordLateDrain(ledger, ref, states);
      return states;
    },

    async abandonSlices({ taskQueue, ...ref }) {
      const gate = (await mine(ref)).find((g) => g.taskQueue === taskQueue);
      if (!gate)
        throw ApplicationFailure.nonRetryable(`the gate of ${taskQueue} is not held by deploy ${ref.deploy}`, 'FENCED');
      const claims = (await runningClaims(ledger, taskQueue)).filter((claim) => !claim.mayNotBeStopped);
      for (const claim of claims) {
        await abandon(claim, `given up by deploy ${ref.deploy} at its drain deadline`);
        await addEvent(ledger, {
          environment: ref.environment,
          deploy: ref.deploy,
          actor: 'lockkeeper',
          event: 'sliceGivenUp',
          detail: { taskQueue, job: claim.workflowId, checkpoint: claim.seq },
        });
      }
      return claims.length;
    },

    async openGate({ taskQueue, act, ...ref }) {
      await failpoint('gate.opening');
      if (act !== undefined) await beginAct(ledger, ref, act);
      const gate = await openFence(ledger, taskQueue, owner(ref));
      if (!gate) return;
      await failpoint('gate.unfenced');
      await releaseBrake(client, taskQueue, ledgerId, gate);
      await failpoint('gate.unbraked');
      await releaseGate(ledger, gate);
      await failpoint('gate.opened');
      await addEvent(ledger, {
        environment: ref.environment,
        deploy: ref.deploy,
        actor: 'lockkeeper',
        event: 'gateOpened',
        detail: { taskQueue, generation: gate.generation },
      });
    },

    async stillStanding(ref) {
      const standing: string[] = [];
      for (const { taskQueue, workflowIds } of await standingQueues(ledger, ref))
        if (await someRun(workflowIds)) standing.push(taskQueue);
      return standing;
    },
  };

  /** A job whose workflow was terminated meanwhile moves no more, and nobody is to wait for it. */
  async function someRun(workflowIds: readonly string[]): Promise<boolean> {
    for (const id of workflowIds) {
      try {
        if ((await client.workflow.getHandle(id).describe()).status.name === 'RUNNING') return true;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return false;
  }

  async function closeGate(ref: DeployRef, act: number | undefined, taskQueue: string): Promise<QueueState> {
    await ensureGate(ledger, ref.environment, taskQueue);
    const limit = await readLimit(client, taskQueue);
    refuseForeign(limit, taskQueue, ledgerId);
    // The limit from before is kept once, never one of ours.
    const before = isOurBrake(limit, ledgerId) ? undefined : limit;
    const generation = await closeFence(ledger, taskQueue, { ...owner(ref), act }, before);
    await failpoint('gate.fenced');
    await brakeOwned(ref, taskQueue, generation);
    await failpoint('gate.braked');
    await addEvent(ledger, {
      environment: ref.environment,
      deploy: ref.deploy,
      actor: 'lockkeeper',
      event: 'gateClosed',
      detail: { taskQueue, generation },
    });
    return stateOf({ taskQueue, generation });
  }

  async function assertGates(ref: DeployRef): Promise<void> {
    for (const gate of await mine(ref)) {
      const mark = { ledgerId, environment: ref.environment, deploy: ref.deploy, generation: gate.generation };
      const limit = await readLimit(client, gate.taskQueue);
      if (limit?.rate === 0 && limit.reason === brakeReason(mark)) continue;
      log.warn(
        { taskQueue: gate.taskQueue, found: limit },
        'the brake of a closed gate was changed by somebody; put back',
      );
      // What a person wants it to be is what it will be when the gate opens.
      if (!isOurBrake(limit, ledgerId)) await keepLimit(ledger, gate, limit);
      await brakeOwned(ref, gate.taskQueue, gate.generation);
    }
  }

  /** Brakes, and looks once more: an attempt that was frozen on the way may come when the gate is open again, or another's. */
  async function brakeOwned(ref: DeployRef, taskQueue: string, generation: number): Promise<void> {
    await brake(client, taskQueue, { ledgerId, environment: ref.environment, deploy: ref.deploy, generation });
    const gate = await readGate(ledger.pool, ledger.namespace, taskQueue);
    if (gate?.state === 'closed' && gate.generation === generation && gate.owner?.token === ref.token) return;
    await releaseBrake(client, taskQueue, ledgerId, { generation, limitBefore: gate?.limitBefore });
    throw new LockkeeperError('FENCED', `the gate of ${taskQueue} is not held by deploy ${ref.deploy} any more`);
  }

  /** Fenced first, so that nothing it still does counts; then the server hears that the slice stepped aside. */
  async function abandon(claim: ClaimRow, reason: string): Promise<void> {
    const { sessionsLeft } = await endForeignClaim(ledger, claim.claim, 'fenced', reason);
    if (sessionsLeft) log.warn({ claim: claim.claim, logins: sessionsLeft }, SESSIONS_LEFT);
    await completeAsYielded(client, claim, reason);
  }
}
