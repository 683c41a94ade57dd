import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, inject, test } from 'vitest';
import { Stranger, interrupt } from './stranger.ts';

const APP = `
import assert from 'node:assert/strict';
import * as lockkeeper from 'lockkeeper';
import { runJobInTest } from 'lockkeeper/testing';
import { runJob } from 'lockkeeper/workflow';

for (const made of [lockkeeper.defineJob, lockkeeper.createWorker, lockkeeper.JobClient, runJobInTest, runJob]) assert.equal(typeof made, 'function');
await assert.rejects(import('lockkeeper/dist/errors.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
`;

const WORKFLOWS = `
import { runJob } from 'lockkeeper/workflow';

export const twice = async (boats) => [await runJob('passBoats', { boats }), await runJob('passBoats', { boats })];
`;

const START = `
import { connect } from 'lockkeeper';

const lockkeeper = await connect();
const { client } = lockkeeper.temporal;
const results = await client.workflow.execute('twice', { workflowId: 'twice', taskQueue: 'boats', args: [5] });
console.log(results.map(({ passed }) => passed).join());
await lockkeeper.close();
`;

const stranger = new Stranger({ 'app.mjs': APP, 'workflows.mjs': WORKFLOWS, 'start.mjs': START });

/** As pnpm installs: every package sees its own dependencies only, and no install script is run. */
const INSTALL = 'npm install --install-strategy=linked --ignore-scripts';

beforeAll(async () => {
  await stranger.does(`${INSTALL} ${inject('tarball')}`);
  await stranger.does('npx lockkeeper init --ci none');
  await stranger.does(INSTALL);
});

test('the example is JavaScript as the project is, and its config is fine', async () => {
  expect(JSON.parse(await stranger.does('npx lockkeeper config check --json'))).toMatchObject({ jobs: ['passBoats'] });
  await stranger.does('node --check jobs.mjs');
});

test('what is exported can be imported, and nothing else', async () => {
  await stranger.does('node app.mjs');
});

test('a job, and workflows of their own, run to their end on the servers of `lockkeeper dev`', async () => {
  stranger.edit('lockkeeper.yaml', 'jobs:', 'workflows: ./workflows.mjs\njobs:');
  const servers = stranger.types('npx lockkeeper dev --temporal-port 0 --ui-port 0 --postgres-port 0');
  await servers.waitForLine(/^Ctrl-C stops it/, { within: 240_000 });
  const worker = stranger.types('. .lockkeeper/env && npm run worker');
  await worker.waitForLine(/worker ready/, { within: 60_000 });
  const shellLines = join(stranger.folder, '.lockkeeper/env');
  expect(statSync(shellLines).mode & 0o777, 'only its owner may read the password').toBe(0o600);
  const result = await stranger.does(
    `. .lockkeeper/env && npx lockkeeper job start passBoats --input '{"boats":20}' --wait`,
  );
  expect(JSON.parse(result)).toEqual({ passed: 20, twice: 0, keepers: 'v1' });
  expect(await stranger.does('. .lockkeeper/env && node start.mjs')).toBe('5,5\n');
  for (const shell of [worker, servers]) await interrupt(shell);
  expect(existsSync(shellLines), 'it tells of servers that are gone').toBe(false);
});
