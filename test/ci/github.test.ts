import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { validateAction, validateWorkflow } from '@action-validator/core';
import { beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import { external, openScene, undo } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { ACTION, ACTION_TEXT, GithubRunner } from './github-runner.ts';
import { projectWith } from './project.ts';

const WORKFLOW = fileURLToPath(new URL('../../src/cli/init/templates/github.yml', import.meta.url));
const [DEPLOY, END] = ACTION.runs.steps;
const processes = new Processes();
let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.startDeployWorker();
});

function runnerIn(scripts: Readonly<Record<string, string>>) {
  const project = projectWith(scripts);
  const env = { ...scene.temporal.env, LOCKKEEPER_ENVIRONMENT: 'test' };
  return { project, runner: new GithubRunner(processes, project, env) };
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

test('action and workflow are what the schemas of GitHub say', () => {
  expect(validateAction(ACTION_TEXT)).toEqual({ actionType: 'action', errors: [] });
  expect(validateWorkflow(readFileSync(WORKFLOW, 'utf8'))).toEqual({ actionType: 'workflow', errors: [] });
});

test('no script holds an expression: inputs come as variables, and bash can read all of it', () => {
  for (const { run } of ACTION.runs.steps) {
    expect(run).not.toContain('${{');
    execFileSync('bash', ['-n'], { input: run });
  }
});

test('a deploy by the action: its command runs, and outputs and summary say how it ended; no input is read as shell', async () => {
  scene.planOf([external()]);
  const { project, runner } = runnerIn({ 'deploy.sh': 'echo "deployed $1" > deployed' });
  const step = runner.start(DEPLOY, {
    version: '$(touch by-version) `touch by-version` "; touch by-version #',
    'requested-by': "a'b $(touch by-requester)",
    command: `./deploy.sh "it's"\nfalse | true || echo failed >> deployed`,
  });
  expect(await step.ended({ within: 60_000 })).toMatchObject({ code: 0 });
  expect(readFileSync(join(project, 'deployed'), 'utf8')).toBe("deployed it's\nfailed\n");
  expect(['by-version', 'by-requester'].filter((name) => existsSync(join(project, name)))).toEqual([]);
  expect(runner.outputs).toEqual({ deploy: '77-1', outcome: 'succeeded', 'exit-code': '0' });
  expect(runner.summary).toContain('### Deploy 77-1: succeeded');
  expect(runner.runsSecond()).toBe(false);
}, 90_000);

test('a command that fails fails the step, with its output, and the deploy is rolled back', async () => {
  scene.planOf([external(undo('true'))]);
  const { runner } = runnerIn({});
  const step = runner.start(DEPLOY, { id: 'fails', command: 'echo "no disk space"; exit 9' });
  expect(await step.ended({ within: 60_000 })).toMatchObject({ code: 3 });
  expect(step.stdout).toContain('no disk space');
  expect(runner.outputs).toMatchObject({ outcome: 'rolledBack', 'exit-code': '3' });
  expect(runner.summary).toContain('### Deploy fails: rolledBack');
  expect(runner.summary).toMatch(/^ {4}step 1.*exited with 9/m);
  expect(runner.runsSecond()).toBe(false);
}, 90_000);

test('what cannot be an id is refused, and makes no output of its own', async () => {
  const { runner } = runnerIn({});
  const step = runner.start(DEPLOY, { id: 'a\nevil=1', command: 'true' });
  expect(await step.ended()).toMatchObject({ code: 2 });
  expect(runner.outputs).toEqual({ outcome: 'refused', 'exit-code': '2' });
}, 60_000);

test('cancelled: the signal that the shell gets ends the command, and the deploy', async () => {
  scene.planOf([external(undo('true'))]);
  const { project, runner } = runnerIn({ 'deploy.sh': 'echo $$ > pid; exec sleep 60' });
  const step = runner.start(DEPLOY, { id: 'cancelled', command: './deploy.sh' });
  await eventually(() => expect(existsSync(join(project, 'pid'))).toBe(true), { within: 30_000 });
  step.kill('SIGINT');
  expect(await step.ended({ within: 30_000 })).toMatchObject({ code: 143 });
  expect(runner.outputs).toMatchObject({ outcome: 'interrupted', 'exit-code': '143' });
  expect(runner.runsSecond()).toBe(false);
  const pid = Number(readFileSync(join(project, 'pid'), 'utf8'));
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  expect(await endOf('cancelled')).toMatchObject({ outcome: 'rolledBack' });
}, 90_000);

test('killed before it could say anything: the second step ends the deploy, which is not held for a person', async () => {
  scene.planOf([external()]);
  const { project, runner } = runnerIn({ 'deploy.sh': 'echo $PPID > pid; exec sleep 60' });
  const step = runner.start(DEPLOY, { id: 'killed', command: './deploy.sh' });
  await eventually(() => expect(existsSync(join(project, 'pid'))).toBe(true), { within: 30_000 });
  // As a runner does when ten seconds are over: the shell and all that it started.
  for (const pid of descendants(step.pid)) process.kill(pid, 'SIGKILL');
  expect(await step.ended()).toMatchObject({ signal: 'SIGKILL' });
  expect(runner.runsSecond()).toBe(true);
  const end = runner.start(END, { id: 'killed' });
  expect(await end.ended()).toMatchObject({ code: 0 });
  expect(await endOf('killed')).toMatchObject({
    outcome: 'aborted',
    reason: expect.stringContaining('its run was cancelled: https://github.example/acme/app/actions/runs/77') as string,
  });
  await scene.expectOpen();
}, 90_000);

/** A process and its children's children. */
function descendants(pid: number): number[] {
  const children = execFileSync('bash', ['-c', `cat /proc/${pid}/task/*/children`], { encoding: 'utf8' });
  return [
    pid,
    ...children
      .split(/\s+/)
      .filter(Boolean)
      .flatMap((child) => descendants(Number(child))),
  ];
}
