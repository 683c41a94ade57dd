import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readDeploy } from '../../src/ledger/deploys.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import { ENVIRONMENT, openScene } from '../support/scene.ts';

const CONFIG = fileURLToPath(new URL('rollback-killed.yaml', import.meta.url));

test('a deploy worker is killed while it rolls back: the next one goes on backwards, to the first step', async () => {
  const scene = await openScene();
  const folder = mkdtempSync(join(tmpdir(), 'lockkeeper-undone-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'undone');
  const undone = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []);
  const processes = new Processes();
  const run = (...args: string[]) =>
    processes.lockkeeper([...args, '--config', CONFIG], {
      env: { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl, UNDONE: file },
    });

  const first = run('deploy-worker');
  await first.waitForLine(/worker ready/, { within: 60_000 });
  const deploy = run('deploy', 'run', '--id', 'v42');
  await eventually(() => expect(undone()).toEqual(['three', 'two begins']), { within: 60_000 });
  first.kill('SIGKILL');
  // What a run that takes over reads.
  expect(await readDeploy(scene.ledger, ENVIRONMENT, 'v42')).toMatchObject({ direction: 'back', code: 602 });
  expect(await scene.steps('v42')).toEqual(['one done', 'two compensating', 'three compensated']);

  const second = run('deploy-worker');
  await second.waitForLine(/worker ready/, { within: 60_000 });
  expect(await deploy.ended({ within: 90_000 })).toMatchObject({ code: 3 });
  // A rollback may be called twice, never beside itself.
  expect(undone()).toEqual(['three', 'two begins', 'two begins', 'two', 'one']);
  expect(await scene.steps('v42')).toEqual(['one compensated', 'two compensated', 'three compensated']);
  await scene.expectOpen();
  second.kill('SIGTERM');
  expect(await second.ended()).toMatchObject({ code: 0 });
}, 180_000);
