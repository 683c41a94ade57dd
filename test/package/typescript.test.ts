import { beforeAll, expect, inject, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import type { NextStep } from '../../src/cli/init/report.ts';
import type { TestProcess } from '../support/processes.ts';
import { Stranger, interrupt } from './stranger.ts';

/** Uses what the package exports, rightly and wrongly; runs on Node as it is. */
const APP = `
import assert from 'node:assert/strict';
import { connectTemporal, defineJob, isLockkeeperError, JobClient, openLedger } from 'lockkeeper';
import type { InputOf, JobDefinition, ResultOf, Sql, Steps } from 'lockkeeper';
import { everyInterruption, runJobInTest } from 'lockkeeper/testing';
import { passBoats } from './jobs.ts';

const rows = async (sql: Sql): Promise<number> => (await sql.query<{ n: number }>('select 1 as n')).rows[0]?.n ?? 0;
async function* counted(to: number): Steps<{ at: number }> {
  for (let at = 1; at <= to; at += 1) yield { at };
}
export const count = defineJob({
  name: 'count',
  taskQueue: 'numbers',
  state: { initial: { at: 0 } },
  async *run(job, input: { to: number }) {
    yield* counted(input.to);
    const n = yield* job.transaction(async (sql, save) => {
      save({ at: job.state.at });
      return rows(sql);
    });
    return { n };
  },
});
const named: JobDefinition<'count', { to: number }, { n: number }, { at: number }> = count;
const input: InputOf<typeof passBoats> = { boats: 3 };
const result: ResultOf<typeof count> = { n: 1 };
// @ts-expect-error a job yields its state, and nothing else
defineJob({ name: 'x', taskQueue: 'x', state: { initial: { at: 0 } }, async *run() { yield { where: 0 }; } });
// @ts-expect-error the input of another job
const wrong: InputOf<typeof count> = { boats: 3 };

assert.throws(() => defineJob({ name: 'not a name', taskQueue: 'x', async *run() {} }), (error) =>
  isLockkeeperError(error, 'DEFINITION_INVALID'));
for (const made of [connectTemporal, JobClient, openLedger, everyInterruption, runJobInTest]) assert.equal(typeof made, 'function');
console.log(named.name, input.boats, result.n, wrong !== undefined);
`;

const WORKFLOWS = `
import { runJob } from 'lockkeeper/workflow';
import type { passBoats } from './jobs.ts';

export async function twoLocks(boats: number): Promise<number> {
  const first = await runJob<typeof passBoats>('passBoats', { boats });
  const second = await runJob<typeof passBoats>('passBoats', { boats });
  return (first?.passed ?? 0) + (second?.passed ?? 0);
}
`;

const START = `
import { connect } from 'lockkeeper';

const lockkeeper = await connect();
const { client } = lockkeeper.temporal;
console.log(await client.workflow.execute('twoLocks', { workflowId: 'two-locks', taskQueue: 'boats', args: [5] }));
await lockkeeper.close();
`;

const BUNDLE = `
import { bundleWorkflowCode } from '@temporalio/worker';

const quiet = () => {};
const logger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: console.error };
const { code } = await bundleWorkflowCode({ workflowsPath: process.argv[2], logger });
console.log(JSON.stringify([...new Set(code.match(/node_modules\\/(?:@[\\w.-]+\\/)?[\\w.-]+(?:\\/dist\\/\\w+)?/g))]));
`;

const stranger = new Stranger({ 'package.json': '{ "private": true, "type": "module" }\n' });
let next: readonly NextStep[];

beforeAll(async () => {
  await stranger.does(`npm install ${inject('tarball')}`);
  next = (JSON.parse(await stranger.does('npx lockkeeper init --json')) as { next: NextStep[] }).next;
  const { typescript } = packageJson.devDependencies;
  await stranger.does(`npm install --save-dev --save-exact typescript@${typescript}`);
  stranger.write({ 'app.ts': APP, 'workflows.ts': WORKFLOWS, 'start.ts': START, 'bundle.ts': BUNDLE });
});

test('npx lockkeeper --version', async () => {
  expect(await stranger.does('npx lockkeeper --version')).toBe(`${packageJson.version}\n`);
});

test('init has made a project whose config and job are fine', async () => {
  const found = JSON.parse(await stranger.does('npx lockkeeper config check --json')) as unknown;
  expect(found).toMatchObject({ environment: 'development', jobs: ['passBoats'], queues: ['boats'] });
});

test.each([
  ['nodenext', '--module nodenext'],
  ['bundler', '--module esnext --moduleResolution bundler'],
])('types are found and right, with moduleResolution %s', async (_name, options) => {
  const strict = '--strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --allowImportingTsExtensions';
  // Declarations are checked too, ours among them: what is wrong in other packages is for their owners.
  const tsc = stranger.types(`npx tsc --noEmit --target es2024 ${strict} ${options} app.ts workflows.ts start.ts`);
  await tsc.ended({ within: 120_000 });
  const wrong = tsc.stdout.split('\n').filter((line) => /^\S+: error/.test(line));
  expect(wrong.filter((line) => !line.startsWith('node_modules/') || line.includes('/lockkeeper/'))).toEqual([]);
});

test('it runs as TypeScript, without a build; CommonJS may require it', async () => {
  expect(await stranger.does('node app.ts')).toBe('count 3 1 true\n');
  expect(await stranger.does(`node -p "typeof require('lockkeeper').defineJob"`)).toBe('function\n');
});

test('lockkeeper/workflow bundles as workflows of their own do, and brings no package that Temporal does not bring', async () => {
  stranger.write({ 'plain.ts': `export { sleep } from '@temporalio/workflow';\n` });
  const plain = JSON.parse(await stranger.does('node bundle.ts "$PWD/plain.ts"')) as string[];
  const bundled = JSON.parse(await stranger.does('node bundle.ts "$PWD/workflows.ts"')) as string[];
  expect(bundled.filter((name) => !plain.includes(name)).sort()).toEqual(
    ['defaults', 'did', 'duration', 'errors', 'protocol', 'workflow', 'workflows'].map(
      (name) => `node_modules/lockkeeper/dist/${name}`,
    ),
  );
});

test('a workflow that imports something of Node is refused by the same bundler', async () => {
  stranger.write({ 'wrong.ts': `import { readFileSync } from 'node:fs';\nexport const wrong = readFileSync;\n` });
  const shell = stranger.types('node bundle.ts "$PWD/wrong.ts"');
  expect((await shell.ended()).code).toBe(1);
  expect(shell.stderr).toContain('node:fs');
});

test('the commands that init prints: a job goes on through a deploy, on a worker of the next version', async () => {
  const [dev, worker, deployWorker, job, deploy] = next.map(({ command }) => command);
  // Another project's servers may have the usual ports; and their own workflows belong to a worker too.
  stranger.edit('package.json', 'lockkeeper dev', 'lockkeeper dev --temporal-port 0 --ui-port 0 --postgres-port 0');
  stranger.edit('lockkeeper.yaml', 'jobs:', 'workflows: ./workflows.ts\njobs:');

  const servers = stranger.types(dev ?? '');
  await servers.waitForLine(/^Ctrl-C stops it/, { within: 240_000 });
  const ready = async (line = ''): Promise<TestProcess> => {
    const shell = stranger.types(line);
    await shell.waitForLine(/worker ready/, { within: 60_000 });
    return shell;
  };
  const first = await ready(worker);
  const deploys = await ready(deployWorker);

  const boats = stranger.types(job ?? '');
  await boats.waitForLine(/running \d+\/600/, { within: 60_000 });
  stranger.edit('jobs.ts', "KEEPER = 'v1'", "KEEPER = 'v2'");
  const release = stranger.types(deploy ?? '');
  await release.waitForLine(/Running your command/, { within: 60_000 });
  await interrupt(first);
  const second = await ready(worker);
  expect(await release.ended({ within: 90_000 })).toEqual({ code: 0, signal: null });
  expect(await boats.ended({ within: 180_000 })).toEqual({ code: 0, signal: null });
  expect(JSON.parse(boats.stdout)).toEqual({ passed: 600, twice: 0, keepers: 'v1, v2' });

  expect(await stranger.does('. .lockkeeper/env && node start.ts')).toBe('10\n');
  for (const shell of [second, deploys, servers]) await interrupt(shell);
});
