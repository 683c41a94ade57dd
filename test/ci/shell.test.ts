import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { findTemporal, userCacheDir } from '../../src/dev/temporal-binary.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import { ENVIRONMENT, external, openScene, undo } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { blockOfPage } from './ci-page.ts';
import { projectWith } from './project.ts';

const BY_SIGNALS = blockOfPage('sh', 'by-signals').replace('environment=production', `environment=${ENVIRONMENT}`);
const IN_PARTS = blockOfPage('sh', 'in-parts');
const processes = new Processes();
let scene: Scene;
let temporal: string;
beforeAll(async () => {
  scene = await openScene();
  await scene.startDeployWorker();
  ({ path: temporal } = await findTemporal({ cacheDir: userCacheDir(process.env), log: () => undefined }));
});

/** Runs a script of the page on a machine with the CLI of Temporal, and with lockkeeper where it is to be there. */
function run(script: string, ciRun: string, deploy: string, lockkeeper = false) {
  const project = projectWith({ 'script.sh': script, 'deploy.sh': deploy, 'bin/none': 'true' });
  symlinkSync(temporal, join(project, 'bin/temporal'));
  const bins = ['bin', ...(lockkeeper ? ['node_modules/.bin'] : [])].map((bin) => join(project, bin));
  const child = processes.spawn(['bash', 'script.sh'], {
    cwd: project,
    env: {
      ...scene.temporal.env,
      LOCKKEEPER_ENVIRONMENT: ENVIRONMENT,
      CI_RUN: ciRun,
      PATH: [...bins, '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
    },
  });
  return { child, project };
}

const endOf = (deploy: string) =>
  eventually(
    async () => {
      const where = await scene.deploys.find(deploy);
      if (where.at !== 'ended') throw new Error(`deploy ${deploy} is ${where.at}`);
      return where.result;
    },
    { within: 30_000 },
  );

describe.each([
  ['by signals alone', BY_SIGNALS, false],
  ['by `deploy start` and `finish`', IN_PARTS, true],
])('a script %s', (_, script, lockkeeper) => {
  const id = (n: string) => `${n}-${lockkeeper ? 'parts' : 'signals'}`;

  test('deploys: its step is done while everything is drained, and it ends as the deploy does', async () => {
    scene.planOf([external()]);
    const { child, project } = run(script, id('a'), 'echo deployed > deployed', lockkeeper);
    expect(await child.ended({ within: 60_000 }), child.stderr).toMatchObject({ code: 0 });
    expect(existsSync(join(project, 'deployed'))).toBe(true);
    expect(child.stdout).toContain('succeeded');
    expect(await endOf(`v42-${id('a')}`)).toMatchObject({ outcome: 'succeeded' });
    await scene.expectOpen();
  }, 90_000);

  test('whose work fails says so, and the deploy is rolled back', async () => {
    scene.planOf([external(undo('true'))]);
    const { child } = run(script, id('b'), 'exit 9', lockkeeper);
    expect(await child.ended({ within: 60_000 })).toMatchObject({ code: 9 });
    expect(await endOf(`v42-${id('b')}`)).toMatchObject({ outcome: 'rolledBack' });
  }, 90_000);

  test('that is cancelled says so, when its work has ended', async () => {
    scene.planOf([external(undo('true'))]);
    const { child, project } = run(script, id('c'), 'echo $PPID > pid; sleep 1', lockkeeper);
    await eventually(() => expect(existsSync(join(project, 'pid'))).toBe(true), { within: 30_000 });
    expect(Number(readFileSync(join(project, 'pid'), 'utf8'))).toBe(child.pid);
    child.kill('SIGTERM');
    expect(await child.ended({ within: 60_000 })).toMatchObject({ code: 143 });
    expect(await endOf(`v42-${id('c')}`)).toMatchObject({ outcome: 'rolledBack' });
  }, 90_000);

  test('that asks for another deploy under the same id is refused', async () => {
    const { child } = run(script, id('a'), 'touch deployed', lockkeeper);
    expect(await child.ended({ within: 60_000 })).toMatchObject({ code: 5 });
    expect(child.stderr).toContain('was requested before with another external');
  }, 90_000);
});

test('a script by signals alone whose deploy is taken back by an update stops waiting', async () => {
  scene.planOf([{ type: 'wait', name: 'long', timeoutMs: 60_000 }]);
  const holding = scene.deploy('holding');
  await eventually(async () => expect((await scene.deploys.find('holding')).at).toBe('running'), { within: 30_000 });
  scene.planOf([external()]);
  const { child } = run(BY_SIGNALS, 'taken-back', 'true');
  await eventually(async () => expect((await scene.deploys.find('v42-taken-back')).at).toBe('waiting'), {
    within: 30_000,
  });
  await processes
    .spawn([temporal, ...update(`deploy-coordinator/${ENVIRONMENT}`, 'withdrawDeploy', { deploy: 'v42-taken-back' })], {
      env: scene.temporal.env,
    })
    .ended();
  expect(await child.ended()).toMatchObject({ code: 4 });
  const abort = update(`deploy-run/${ENVIRONMENT}`, 'operate', { deploy: 'holding', action: 'abort' });
  expect(await processes.spawn([temporal, ...abort], { env: scene.temporal.env }).ended()).toMatchObject({ code: 0 });
  expect(await holding).toMatchObject({ outcome: 'aborted' });
}, 90_000);

const update = (workflow: string, name: string, input: object) => {
  const said = JSON.stringify({ ...input, by: 'ann', reason: 'not today' });
  return ['workflow', 'update', 'execute', '--workflow-id', workflow, '--name', name, '--input', said];
};
