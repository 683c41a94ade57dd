import { readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { beforeAll, expect, test } from 'vitest';
import { Processes } from '../support/processes.ts';
import { external, openScene, undo } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { projectWith } from './project.ts';

const JOB = fileURLToPath(new URL('../../src/cli/init/templates/gitlab.yml', import.meta.url));
const processes = new Processes();
let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.startDeployWorker();
});

/** A repository with the job that `lockkeeper init --ci gitlab` writes, included as its comment says. */
async function repository(deploy: string): Promise<string> {
  const project = projectWith({
    'deploy.sh': deploy,
    // What is to be installed is there already.
    'bin/npm': 'true',
    'bin/npx': 'exec node_modules/.bin/"$@"',
    // By which gitlab-ci-local takes a copy of the repository; not every machine has it.
    'bin/rsync': 'cp -r bin deploy.sh node_modules "${!#}"',
  });
  await mkdir(join(project, '.gitlab'));
  await copyFile(JOB, join(project, '.gitlab/lockkeeper-deploy.yml'));
  const include = readFileSync(JOB, 'utf8').matchAll(/^# {3}(.*)$/gm);
  await writeFile(join(project, '.gitlab-ci.yml'), [...include].map(([, line]) => `${line}\n`).join(''));
  const git = (...args: string[]) =>
    execa('git', ['-c', 'user.name=ci', '-c', 'user.email=ci@example.org', ...args], { cwd: project });
  await git('init', '--quiet', '--initial-branch', 'main');
  await git('remote', 'add', 'origin', 'git@gitlab.example:acme/app.git');
  await git('add', '--all', '--force');
  await git('commit', '--quiet', '--message', 'an app');
  return project;
}

/** The job by gitlab-ci-local, which checks it by GitLab's own schema and runs its scripts with bash. */
const runJob = (project: string) =>
  processes.node(
    'node_modules/gitlab-ci-local/dist/index.js',
    ['--force-shell-executor', '--variable', 'LOCKKEEPER_ENVIRONMENT=test', 'lockkeeper-deploy'],
    {
      cwd: project,
      env: { ...scene.temporal.env, PATH: `${join(project, 'bin')}${delimiter}${process.env['PATH']}` },
    },
  );

test('the job of GitLab deploys, and fails as the deploy does', async () => {
  scene.planOf([external(undo('true'))]);
  const job = runJob(await repository('echo "replacing the workers"'));
  const { code } = await job.ended({ within: 60_000 });
  expect(job.stdout + job.stderr).toContain('replacing the workers');
  expect(job.stdout + job.stderr).toMatch(/deploy \d+ of test: succeeded/);
  expect(code).toBe(0);

  const failing = runJob(await repository('exit 9'));
  expect((await failing.ended({ within: 60_000 })).code).not.toBe(0);
  expect(failing.stdout + failing.stderr).toMatch(/deploy \d+ of test: rolledBack/);
  await scene.expectOpen();
}, 150_000);
