import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { loadConfig, loadDefinitions, loadJobs } from '../../src/config/index.ts';
import { errorOf, folderOf } from './folder.ts';

const execFileAsync = promisify(execFile);
const CONFIG = new URL('../../src/config/index.ts', import.meta.url).href;
const DEFINE = new URL('../../src/jobs/define-job.ts', import.meta.url).href;
const GRAPH = new URL('../../src/jobs/job-graph.ts', import.meta.url).href;
const module = (body: string) => `import { defineJob } from '${DEFINE}';
const job = (name: string, taskQueue = 'q') => defineJob({ name, taskQueue, async *run() {} });
${body}`;

async function jobsOf(modules: Readonly<Record<string, string>>, queues = '', jobs = Object.keys(modules)) {
  const yaml = `environment: test\njobs: [${jobs.join(', ')}]\n${queues}`;
  const folder = folderOf({ ...modules, 'lockkeeper.yaml': yaml });
  return loadJobs(await loadConfig(join(folder, 'lockkeeper.yaml'), {}));
}

test('the jobs of all modules, in order; other exports do not matter', async () => {
  const jobs = await jobsOf({
    'a.ts': module(`export const one = job('one'); export const LIMIT = 3; export default job('two');`),
    'b.ts': module(`export const three = job('three', 'other');`),
  });
  expect(jobs.map(({ name }) => name).sort()).toEqual(['one', 'three', 'two']);
  expect(jobs.at(-1)!.taskQueue).toBe('other');
});

test('a job that is exported twice is one job', async () => {
  const jobs = await jobsOf({
    'a.ts': module(`export const one = job('one'); export { one as default };`),
    'b.ts': `export * from './a.ts';`,
  });
  expect(jobs).toHaveLength(1);
});

const graphs = (body: string) => `import { jobGraph } from '${GRAPH}';
const graph = (name: string, taskQueue = 'q') => jobGraph({ name, taskQueue, nodes: () => undefined });
${body}`;

test('graphs stand beside jobs, and may have the name of one', async () => {
  const folder = folderOf({
    'a.ts': module(`export const one = job('one', 'q1'); export * from './b.ts';`),
    'b.ts': graphs(`export const two = graph('one', 'q2');`),
    'lockkeeper.yaml': 'environment: test\njobs: [a.ts, b.ts]',
  });
  const found = await loadDefinitions(await loadConfig(join(folder, 'lockkeeper.yaml'), {}));
  expect(found.jobs.map(({ name }) => name)).toEqual(['one']);
  expect(found.graphs.map(({ name }) => name)).toEqual(['one']);
  expect(found.taskQueues.sort()).toEqual(['q1', 'q2']);
});

describe('refused', () => {
  const one = module(`export const one = job('one');`);

  test.each([
    ['no module', {}, ['nowhere.ts'], /nowhere\.ts: there is no such module; correct `jobs`$/],
    [
      'a module that imports what is not there',
      { 'a.ts': `import './nowhere.ts'; export {};` },
      ['a.ts'],
      /a\.ts: failed to load: .*nowhere\.ts/,
    ],
    ['a module that throws', { 'a.ts': `throw new Error('no key');` }, ['a.ts'], /a\.ts: failed to load: no key$/],
    [
      'a wrong definition',
      { 'a.ts': module(`export const a = job('');`) },
      ['a.ts'],
      /a\.ts: failed to load: job "": the name is not usable/,
    ],
    [
      'no job',
      { 'a.ts': 'export const a = 1;' },
      ['a.ts'],
      /a\.ts: exports no job; export what `defineJob` or `jobGraph` returns$/,
    ],
    [
      'one name in two modules',
      { 'a.ts': one, 'b.ts': one },
      ['a.ts', 'b.ts'],
      /b\.ts: there is another job of the name `one` in .*a\.ts; rename one$/,
    ],
    [
      'one name in a module',
      { 'a.ts': module(`export const a = job('one'), b = job('one');`) },
      ['a.ts'],
      /a\.ts: there is another job of the name `one` in the same module; rename one$/,
    ],
    [
      'one name of two graphs',
      { 'a.ts': graphs(`export const a = graph('one'), b = graph('one');`) },
      ['a.ts'],
      /a\.ts: there is another graph of the name `one` in the same module; rename one$/,
    ],
    [
      'a graph on the queue of the deploys',
      { 'a.ts': graphs(`export const a = graph('one', 'lockkeeper-test');`) },
      ['a.ts'],
      /graph `one` is on `lockkeeper-test`, the queue on which the deploys themselves run; use another$/,
    ],
    [
      "the deploys' own queue",
      { 'a.ts': module(`export const a = job('one', 'lockkeeper-test');`) },
      ['a.ts'],
      /job `one` is on `lockkeeper-test`, the queue on which the deploys themselves run; use another$/,
    ],
  ])('%s', async (_title, modules: Record<string, string>, jobs, message) => {
    const error = await errorOf(jobsOf(modules, '', jobs));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toMatch(message);
  });

  test('a job on a queue that is not declared', async () => {
    const error = await errorOf(jobsOf({ 'a.ts': one }, 'queues: { qq: }'));
    expect(error.message).toMatch(
      /a\.ts: job `one` is on a queue that `queues` does not have: unknown queue `q`, did you mean `qq`\?$/,
    );
  });

  test('a syntax error, as Node reports it: with its line and its cause', async () => {
    const folder = folderOf({
      'lockkeeper.yaml': 'environment: test\njobs: [a.ts, b.mjs]',
      'a.ts': 'export const a = 1;\nexport const b = = 2;\n',
      'b.mjs': 'export const a = = 1;\n',
      // The test runner has a loader of its own; users have Node's.
      'load.mjs': `import { loadConfig, loadJobs } from '${CONFIG}';
        const error = await loadJobs(await loadConfig('lockkeeper.yaml')).catch((error) => error);
        console.log(JSON.stringify([error.message, error.cause.errors.map(({ name }) => name)]));`,
    });
    const { stdout } = await execFileAsync(process.execPath, ['--no-warnings', 'load.mjs'], {
      cwd: folder,
      timeout: 30_000,
    });
    const [message, causes] = JSON.parse(stdout) as [string, string[]];
    expect(message.split('\n').slice(1)).toEqual([
      expect.stringMatching(/^a\.ts:2: syntax error: ./),
      expect.stringMatching(/^b\.mjs: syntax error: ./),
    ]);
    expect(causes).toEqual(['SyntaxError', 'SyntaxError']);
  });

  test('everything at once, with all causes', async () => {
    const error = await errorOf(
      jobsOf({ 'a.ts': `throw new Error('x');`, 'b.ts': `throw new Error('y');`, 'c.ts': 'export {};' }),
    );
    expect(error.message.split('\n')).toHaveLength(4);
    expect(error.cause).toMatchObject({ errors: [{ message: 'x' }, { message: 'y' }] });
  });
});
