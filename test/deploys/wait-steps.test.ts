import { beforeAll, expect, test } from 'vitest';
import { readSteps } from '../../src/ledger/deploy-steps.ts';
import { deployRunId, deployStepId } from '../../src/protocol.ts';
import type { DeployStatus, PlanStep } from '../../src/protocol.ts';
import { ENVIRONMENT, command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

const wait = (name: string, timeoutMs: number): PlanStep => ({ type: 'wait', name, timeoutMs });

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.startDeployWorker();
});

/** Tells the deploy to go on, once each time one of the steps named is seen waiting. */
function skipping(deploy: string, ...names: string[]) {
  const told = new Map<string, Promise<PromiseSettledResult<unknown>[]>>();
  return {
    on: (status: DeployStatus) => {
      const step = status.steps.find(({ name, state }) => names.includes(name) && state === 'started');
      if (!step || told.has(step.name)) return;
      const operation = { deploy, action: 'skipStep', reason: 'long enough', by: 'test' } as const;
      told.set(step.name, Promise.allSettled([scene.deploys.operate(operation)]));
    },
    /** What became of each. */
    settled: async () => (await Promise.all(told.values())).flat(),
  };
}

test('a step that waits ends by itself when its time is over', async () => {
  scene.planOf([wait('settle', 200), command('one', 'true')]);
  expect(await scene.deploy('by-itself')).toEqual({ kind: 'ended', outcome: 'succeeded' });
  expect(await scene.steps('by-itself')).toEqual(['settle done', 'one done']);
  await scene.expectOpen();
});

test('a person ends it before: each of them, and only the one that waits', async () => {
  scene.planOf([wait('first', 60_000), wait('second', 60_000), command('one', 'true')]);
  const skip = skipping('by-hand', 'first', 'second');
  expect(await scene.deploy('by-hand', skip)).toEqual({ kind: 'ended', outcome: 'succeeded' });
  expect((await skip.settled()).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  const steps = await readSteps(scene.ledger, ENVIRONMENT, 'by-hand');
  const ended = 'ended before its time by test: long enough';
  expect(steps.map(({ note }) => note)).toEqual([ended, ended, undefined]);
  await scene.expectOpen();
  await scene.record('deploy-run-waited', deployRunId(ENVIRONMENT));
  await scene.record('deploy-step-waited', deployStepId(ENVIRONMENT, 'by-hand', 1, 'first'));
});

test('nobody can skip a step that works', async () => {
  scene.planOf([command('busy', 'sleep 1')]);
  const skip = skipping('busy', 'busy');
  expect(await scene.deploy('busy', skip)).toEqual({ kind: 'ended', outcome: 'succeeded' });
  expect(await skip.settled()).toMatchObject([{ status: 'rejected', reason: { code: 'USAGE' } }]);
});

test('a pause before a step that fails: there is nothing of it to undo', async () => {
  scene.planOf([wait('settle', 50), { ...command('two', 'false'), rollback: { argv: ['true'] } }]);
  expect(await scene.deploy('undone')).toMatchObject({ outcome: 'rolledBack' });
  await scene.expectOpen();
});

test('abort ends a wait at once', async () => {
  scene.planOf([wait('long', 60_000)]);
  let told: Promise<unknown> | undefined;
  const on = ({ steps }: DeployStatus) => {
    if (steps[0]?.state === 'started')
      told ??= scene.deploys.operate({ deploy: 'stopped', action: 'abort', reason: 'enough', by: 'test' });
  };
  expect(await scene.deploy('stopped', { on })).toMatchObject({ outcome: 'aborted' });
  await told;
  await scene.expectOpen();
});
