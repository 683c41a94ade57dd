import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { freshDatabase } from '../support/database.ts';
import { freshNamespace } from '../support/fresh-namespace.ts';
import { Processes } from '../support/processes.ts';
import { expectTold, folder, NOTHING_SET, run, SECRET } from './command.ts';

const temporal = await freshNamespace();
const env = { ...temporal.env, DATABASE_URL: await freshDatabase() };
const APP = dirname(fileURLToPath(new URL('../app/lockkeeper.yaml', import.meta.url)));

const start = (...args: string[]) => run(['job', 'start', ...args], env, APP);

test('an unknown job: the one that was meant', async () => {
  expectTold(await start('cuont'), 2, 'JOB_UNKNOWN', 'there is no job `cuont`, did you mean `count`?');
});

test.each([
  ['a brace that is missing', '{"to": 3', /line 1 column 9|end of JSON/],
  ['a comma too many', '{"to": 3,}', 'line 1 column 10'],
  ['single quotes', "{'to': 3}", 'line 1 column 2'],
])('input that is not JSON, with %s: where', async (_what, input, where) => {
  expectTold(await start('count', '--input', input), 2, 'JOB_INPUT_INVALID', 'the input is not JSON', where);
});

test('an input file that is not JSON, or not there', async () => {
  const dir = folder({ 'input.json': '{\n  "to": 3,\n  "everyMs": ten\n}\n' });
  const broken = await start('count', '--input-file', join(dir, 'input.json'));
  expectTold(broken, 2, 'JOB_INPUT_INVALID', 'input.json is not JSON', /ten/);
  const missing = await start('count', '--input-file', join(dir, 'no.json'));
  expectTold(missing, 2, 'USAGE', 'no.json', 'ENOENT');
});

test('a job that is not there: the one that was meant', async () => {
  expect(await start('count', '--id', 'import-7', '--input', '{"to":1,"everyMs":1}')).toMatchObject({ exit: 0 });
  for (const command of ['show', 'cancel', 'watch'] as const)
    expectTold(
      await run(['job', command, 'import-8'], env),
      2,
      'JOB_NOT_FOUND',
      'import-8',
      'did you mean `import-7`?',
    );
  expectTold(await run(['job', 'show', 'xyz'], env), 2, 'JOB_NOT_FOUND', 'See `lockkeeper job list`');
});

test('an unknown plan is refused by the deploy worker; an unknown deploy is told with the one that was meant', async () => {
  const deployWorker = new Processes().lockkeeper(['deploy-worker'], { cwd: APP, env: { ...NOTHING_SET, ...env } });
  await deployWorker.waitForLine(/deploy worker ready/, { within: 60_000 });
  const plan = await run(
    ['deploy', 'run', '--environment', 'test', '--id', 'v42', '--plan', 'defualt', '--', 'true'],
    env,
  );
  expectTold(plan, 5, 'DEPLOY_INVALID', 'unknown plan `defualt`, did you mean `default`?');
  const asked = await run(
    ['deploy', 'start', '--environment', 'test', '--id', 'v42', '--deadline', '1m', '--no-wait'],
    env,
  );
  expect(asked.exit).toBe(0);
  expectTold(
    await run(['deploy', 'show', 'v24', '--environment', 'test'], env),
    2,
    'DEPLOY_NOT_FOUND',
    'environment test has no deploy v24',
    'did you mean `v42`?',
  );
  expectTold(
    await run(['deploy', 'show', 'v42', '--environment', 'tset'], env),
    2,
    'DEPLOY_NOT_FOUND',
    'unknown environment tset, did you mean `test`?',
  );
  expectTold(
    await run(['deploy', 'retry-step', 'v24', '--environment', 'test', '--reason', 'x'], env),
    5,
    'DEPLOY_NOT_CURRENT',
    'v24',
  );
  deployWorker.kill('SIGTERM');
  await deployWorker.ended();
});

test.each([
  ['a deploy', ['--environment', 'e', '--id', 'a b']],
  ['an environment', ['--environment', 'a b', '--id', 'v1']],
])('a name that %s cannot have is refused before anybody is asked', async (_what, names) => {
  const { exit, stderr } = await run(['deploy', 'start', '--deadline', '1m', ...names], env);
  expect([exit, stderr]).toEqual([2, expect.stringMatching(/^lockkeeper: .*a b.*letters, digits.*\[USAGE\]\n$/)]);
});

test('an environment without a deploy worker: who is missing, and how to start it', async () => {
  const said = await run(['deploy', 'start', '--environment', 'lonely', '--id', 'v1', '--deadline', '1m'], env);
  expectTold(
    said,
    8,
    'NO_DEPLOY_WORKER',
    'nobody answers for environment lonely within 10 s. Is a deploy worker running',
  );
});

const MODULES = {
  'lockkeeper.yaml':
    'environment: e\njobs: [./jobs.ts, ./missing.ts, ./throws.ts, ./syntax.ts, ./empty.ts]\nqueues: { a: }\n',
  'throws.ts': `throw new Error('no licence');\n`,
  'syntax.ts': 'export const = 5;\n',
  'empty.ts': 'export const nothing = 1;\n',
};

test('modules that are missing, throw, do not parse or export no job: all at once', async () => {
  const dir = folder(MODULES);
  cpSync(join(APP, 'count-job.ts'), join(dir, 'jobs.ts'));
  for (const command of [['config', 'check'], ['worker']])
    expectTold(
      await run(command, env, dir),
      2,
      'CONFIG_INVALID',
      'missing.ts: there is no such module',
      'throws.ts: failed to load: no licence',
      'syntax.ts',
      'empty.ts: exports no job',
    );
});

test('a config with problems in every corner: all at once, each with its line', async () => {
  const dir = folder({
    'lockkeeper.yaml': `environment: e e\nqueues:\n  a: { after: [b] }\ndrain: { deadline: "\${SECRET}", onTimeout: wiat }\nplan: {}\n`,
  });
  expectTold(
    await run(['config', 'check'], { SECRET }, dir),
    2,
    'CONFIG_INVALID',
    'has 5 problems',
    /:1:14: `environment`/,
    /:3:16: .*unknown queue/,
    /:4:20: .*expected a duration/,
    /:4:44: .*abandon/,
    /:5:1: .*did you mean `plans`\?/,
  );
});

test.each([
  ['a config that is not there', ['config', 'show', '--config', 'no.yaml'], 'no.yaml does not exist'],
  ['a config that is a folder', ['config', 'show', '--config', '.'], 'cannot be read'],
  ['no config at all', ['worker'], 'found no lockkeeper.yaml'],
])('%s', async (_what, args, part) => {
  expectTold(await run(args), 2, 'CONFIG_INVALID', part);
});
