import { beforeAll, describe, expect, test } from 'vitest';
import { DEPLOY_START_SIGNAL, coordinatorId } from '../../src/protocol.ts';
import type { DeployRequest } from '../../src/protocol.ts';
import { eventually } from '../support/eventually.ts';
import { ENVIRONMENT, command, external, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.startDeployWorker();
});

const signal = (request: unknown) =>
  scene.temporal.client.workflow.getHandle(coordinatorId(ENVIRONMENT)).signal(DEPLOY_START_SIGNAL, request);
let count = 0;
const id = () => `deploy-${(count += 1)}`;

async function goesOn(): Promise<void> {
  scene.planOf([command('one', 'true')]);
  expect(await scene.deploy(id())).toMatchObject({ outcome: 'succeeded' });
  await scene.expectOpen();
}

describe('a request', () => {
  test.each<[string, Partial<DeployRequest>]>([
    ['a long version', { version: 'v'.repeat(600) }],
    ['a long name of who asks', { requestedBy: 'ü'.repeat(600) }],
  ])(
    'with %s is run like any other',
    async (_, request) => {
      scene.planOf([command('one', 'true')]);
      expect(await scene.deploy(id(), { request })).toMatchObject({ outcome: 'succeeded' });
    },
    40_000,
  );

  test('as large as a payload may be is refused, and the next one runs', async () => {
    await expect(scene.deploy(id(), { request: { version: 'v'.repeat(1_800_000) } })).rejects.toMatchObject({
      code: 'DEPLOY_INVALID',
    });
    await goesOn();
  }, 60_000);

  test.each([200, 3_000, 8_000, 20_000])(
    'nested %i deep is refused, and the next one runs',
    async (depth) => {
      const payload = { metadata: { encoding: Buffer.from('json/plain') } };
      const data = Buffer.from(
        `{"id":"deep-${depth}","plan":"default","requestedBy":"x","more":${'['.repeat(depth)}${']'.repeat(depth)}}`,
      );
      await scene.temporal.client.workflowService.signalWorkflowExecution({
        namespace: scene.temporal.namespace,
        workflowExecution: { workflowId: coordinatorId(ENVIRONMENT) },
        signalName: DEPLOY_START_SIGNAL,
        input: { payloads: [{ ...payload, data }] },
      });
      await goesOn();
      expect((await scene.deploys.coordinator()).refused.map(({ deploy }) => deploy)).toContain(`deep-${depth}`);
    },
    60_000,
  );

  test('whose refusal would be long is told in short, and `status` still answers', async () => {
    for (let n = 0; n < 4; n += 1) await signal({ id: `${n} ${'x'.repeat(1_500_000)}`, plan: 'default' });
    await eventually(async () => expect((await scene.deploys.coordinator()).refused.length).toBeGreaterThan(3));
    await goesOn();
  }, 60_000);

  test('with a deadline that no clock can hold is refused', async () => {
    scene.planOf([external()]);
    const request = { external: { mode: 'deadline', nonce: 'n'.repeat(8), deadlineMs: 1e300 } } as const;
    await expect(scene.deploy(id(), { request })).rejects.toMatchObject({ code: 'DEPLOY_INVALID' });
    await goesOn();
  }, 60_000);

  test('for a plan whose deadlines no clock can hold is refused', async () => {
    scene.planOf([{ type: 'wait', name: 'for ever', timeoutMs: 1e17 }]);
    await expect(scene.deploy(id())).rejects.toMatchObject({ code: 'DEPLOY_INVALID' });
    await goesOn();
  }, 60_000);
});
