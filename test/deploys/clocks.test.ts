import { expect, test, vi } from 'vitest';
import type { DeployDependencies } from '../../src/activities/deploy-dependencies.ts';
import { createGateActivities } from '../../src/activities/gates.ts';
import type { StepLeases } from '../../src/client/step-leases.ts';
import { holdLease } from '../../src/client/lease-holder.ts';
import { endClaim } from '../../src/ledger/claims.ts';
import { grantLock } from '../../src/ledger/deploy-record.ts';
import { insertRequest } from '../../src/ledger/deploy-requests.ts';
import { ensureGate } from '../../src/ledger/gates.ts';
import { bindLedger } from '../../src/ledger/identity.ts';
import { atEnd } from '../support/at-end.ts';
import { claim } from '../support/claiming.ts';
import { inTime } from '../support/eventually.ts';
import { quietLog } from '../support/quiet-log.ts';
import { ENVIRONMENT, QUEUE, openScene } from '../support/scene.ts';

const never = new AbortController().signal;

/** The gate activities of a deploy worker whose clock is an hour ahead of everybody's, and a granted deploy. */
async function ahead() {
  const scene = await openScene();
  const { ledger } = scene;
  const ledgerId = await bindLedger(ledger, scene.temporal.clusterId);
  const deps = { ledger, ledgerId, client: scene.temporal.client, log: quietLog } as unknown as DeployDependencies;
  await ensureGate(ledger, ENVIRONMENT, QUEUE);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000, shouldAdvanceTime: true });
  atEnd(() => void vi.useRealTimers());
  await insertRequest(ledger, ENVIRONMENT, { id: 'x', plan: 'default', requestedBy: 'test' });
  const { row } = await grantLock(ledger, ENVIRONMENT, 'x', 'run', () => scene.plan);
  const ref = { environment: ENVIRONMENT, deploy: 'x', token: row.token!, taskQueue: QUEUE };
  return { ledger, client: scene.temporal.client, ref, gates: createGateActivities(deps) };
}

test('a deploy worker whose clock is ahead gives up no atomic slice before its time', async () => {
  const { ledger, ref, gates } = await ahead();
  await claim(ledger, { taskQueue: QUEUE, atomicMs: 60_000 });
  await gates.closeGate(ref);
  expect(await gates.abandonSlices(ref)).toBe(0);
});

test('work that began after its gate was opened is seen, whatever anybody’s clock says', async () => {
  const { ledger, client, ref, gates } = await ahead();
  const { workflowId } = await client.workflow.start('anything', { workflowId: 'job', taskQueue: 'nobody' });
  const { claim: id, fence } = await claim(ledger, { taskQueue: QUEUE, workflowId });
  await gates.closeGate(ref);
  await endClaim(ledger, id, 'released', 'the gate closed');
  expect(await gates.stillStanding(ref)).toEqual([QUEUE]);
  await gates.openGate(ref);
  expect(await gates.stillStanding(ref)).toEqual([QUEUE]);
  await claim(ledger, { taskQueue: QUEUE, key: fence.key });
  expect(await gates.stillStanding(ref)).toEqual([]);
});

test('a holder that hears nothing gives its lease up in time, also when its clock is set back', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  atEnd(() => void vi.useRealTimers());
  const heartbeat = () => {
    vi.setSystemTime(Date.now() - 3_600_000);
    return Promise.reject(new Error('no answer'));
  };
  const began = performance.now();
  const held = holdLease({ heartbeat } as unknown as StepLeases, { taskToken: '', leaseMs: 1_200 }, never);
  expect(await inTime(held, 5_000, 'it still believes')).toBe('lost');
  expect(performance.now() - began).toBeLessThan(1_200);
});
