import { beforeAll, expect, inject, test } from 'vitest';
import { Stranger, interrupt } from './stranger.ts';

const APP = `
import assert from 'node:assert/strict';
import * as lockkeeper from 'lockkeeper';
import { runJob } from 'lockkeeper/workflow';

for (const made of [lockkeeper.defineJob, lockkeeper.createWorker, lockkeeper.JobClient, runJob]) assert.equal(typeof made, 'function');
await assert.rejects(import('lockkeeper/dist/errors.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
`;

/** Of somebody who runs no install script of anybody, as pnpm's default is. */
const stranger = new Stranger({ 'app.mjs': APP });

beforeAll(async () => {
  await stranger.does(`npm install --ignore-scripts ${inject('tarball')}`);
  await stranger.does('npx lockkeeper init --ci none');
  await stranger.does('npm install --ignore-scripts');
});

test('the example is JavaScript as the project is, and its config is fine', async () => {
  expect(JSON.parse(await stranger.does('npx lockkeeper config check --json'))).toMatchObject({ jobs: ['passBoats'] });
  await stranger.does('node --check jobs.mjs');
});

test('what is exported can be imported, and nothing else', async () => {
  await stranger.does('node app.mjs');
});

test('a job runs to its end on the servers of `lockkeeper dev`, which need no install script', async () => {
  const servers = stranger.types('npx lockkeeper dev --temporal-port 0 --ui-port 0 --postgres-port 0');
  await servers.waitForLine(/^Ctrl-C stops it/, { within: 240_000 });
  const worker = stranger.types('. .lockkeeper/env && npm run worker');
  await worker.waitForLine(/worker ready/, { within: 60_000 });
  const result = await stranger.does(
    `. .lockkeeper/env && npx lockkeeper job start passBoats --input '{"boats":20}' --wait`,
  );
  expect(JSON.parse(result)).toEqual({ passed: 20, twice: 0, keepers: 'v1' });
  for (const shell of [worker, servers]) await interrupt(shell);
});
