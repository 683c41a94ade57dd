import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
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
