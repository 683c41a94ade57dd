import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import { external, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

const CONFIG = fileURLToPath(new URL('../app/lockkeeper.yaml', import.meta.url));
const processes = new Processes();
let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.startDeployWorker();
});

test('a deploy in parts: `start` waits for its turn and prints the nonce, `finish` waits for the end', async () => {
  scene.planOf([external()]);
  const env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl };
  const start = processes.lockkeeper(['deploy', 'start', '--config', CONFIG, '--id', 'v1', '--deadline', '30s'], {
    env,
  });
  expect(await start.ended()).toMatchObject({ code: 0 });
  expect(start.stderr).toContain('Everything is drained: your turn');
  const finish = processes.lockkeeper(
    ['deploy', 'finish', '--config', CONFIG, '--id', 'v1', '--nonce', start.stdout.trim()],
    { env },
  );
  expect(await finish.ended()).toMatchObject({ code: 0 });
  expect(finish.stdout).toContain('succeeded');

  const again = processes.lockkeeper(['deploy', 'finish', '--config', CONFIG, '--id', 'v0', '--nonce', 'x'], { env });
  expect(await again.ended()).toMatchObject({ code: 5 });
  expect(again.stderr).toContain('deploy v0 neither runs nor waits');
}, 60_000);

test('`start` says whom it waits for, since when that holds the lock, and what can be done about it', async () => {
  scene.planOf([{ type: 'wait', name: 'long', timeoutMs: 60_000 }]);
  const holding = scene.deploy('holding', { request: { requestedBy: 'ann', version: '4.1' } });
  await eventually(async () => expect((await scene.deploys.find('holding')).at).toBe('running'), { within: 20_000 });
  scene.planOf([external()]);
  const start = processes.lockkeeper(['deploy', 'start', '--config', CONFIG, '--id', 'next', '--deadline', '30s'], {
    env: scene.temporal.env,
  });
  await start.waitForLine(/Waiting for deploy holding of 4.1, plan default, by ann, runs since \d{4}-.*Z$/);
  await start.waitForLine(/end it with `lockkeeper deploy abort holding --reason …`/);
  await scene.deploys.withdraw({ deploy: 'next', by: 'ann', reason: 'not today' });
  expect(await start.ended()).toMatchObject({ code: 4 });
  await scene.deploys.operate({ deploy: 'holding', action: 'abort', by: 'ann', reason: 'not today' });
  expect(await holding).toMatchObject({ outcome: 'aborted' });
}, 60_000);
