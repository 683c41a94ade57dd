import { beforeAll, expect, test } from 'vitest';
import { GraphClient } from '../../src/client/graph-client.ts';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { ALL_JOBS, waiting } from '../app/graph-jobs.ts';
import { inTime } from '../support/eventually.ts';
import type { Scene } from '../support/scene.ts';
import { expectCountedOnce, mend, openGraphScene, untilStates } from './graph-scene.ts';

const [k1, k2] = [generateKey('k1'), generateKey('k2')];
let scene: Scene;

beforeAll(async () => {
  // Everybody has both keys, as in the middle of a rotation.
  scene = await openGraphScene(parseKeyring(`${k1},${k2}`, 'test'));
  await scene.startWorker(ALL_JOBS);
});

/** Of somebody whose keyring has been changed over to the new key already. */
const later = () => new GraphClient(scene.temporal.client, scene.ledger, parseKeyring(`${k2},${k1}`, 'test'));

test('a graph that is run again after its keys were rotated finds its jobs at work, and none runs twice', async () => {
  const run = await scene.graphs.start(waiting, undefined, { id: 'rotated' });
  await untilStates(run, { told: 'running', first: 'done' });
  await scene.temporal.client.workflow.getHandle('rotated').terminate('a test');
  await expect(run.result()).rejects.toThrow();
  await later().handle('rotated').rerun();
  await mend(scene, 'rotated/told');
  expect(((await inTime(run.result(), 20_000, 'the graph did not end')) as { report: string }).report).toMatch(
    /^waited: /,
  );
  await expectCountedOnce(scene, 'rotated', 'told');
}, 60_000);
