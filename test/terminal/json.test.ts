import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { JSON_OUTPUTS } from '../../src/cli/json/index.ts';
import { EFFECT_TABLE, cancellable, count, failing } from '../app/count-job.ts';
import { ALL_JOBS, MENDED_TABLE } from '../app/graph-jobs.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import { ENVIRONMENT, external, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

const CONFIG = fileURLToPath(new URL('../app/lockkeeper.yaml', import.meta.url));
const GRAPHS = fileURLToPath(new URL('../app/graphs.yaml', import.meta.url));
const processes = new Processes();
const WITHIN = { within: 60_000 };
const seen = new Set<string>();
let scene: Scene;
let env: Record<string, string>;

beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(`${EFFECT_TABLE}; ${MENDED_TABLE}`);
  scene.planOf([external({ leaseMs: 6_000 })]);
  env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl, LOCKKEEPER_ENVIRONMENT: ENVIRONMENT };
  await scene.startWorker([count, cancellable, failing, ...ALL_JOBS]);
  await scene.startDeployWorker();
});

/** Runs a command with `--json`, holds what it prints against its documented shape, and gives it. */
async function json(documented: string, args: readonly string[], code = 0): Promise<Record<string, unknown>> {
  const output = JSON_OUTPUTS.find(({ command }) => command === documented)!;
  const [before, after] = args.includes('--')
    ? [args.slice(0, args.indexOf('--')), args.slice(args.indexOf('--'))]
    : [args, []];
  const run = processes.lockkeeper([...before, '--json', ...after], { env });
  expect({ documented, stderr: run.stderr, ...(await run.ended(WITHIN)) }).toMatchObject({ documented, code });
  seen.add(documented);
  const values =
    output.form === 'one'
      ? [JSON.parse(run.stdout) as unknown]
      : run.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown);
  // Nothing was lost on the way: all that is printed is documented.
  for (const value of values) expect(output.schema.parse(value)).toEqual(value);
  return values.at(-1) as Record<string, unknown>;
}

test('jobs', async () => {
  const config = ['--config', CONFIG];
  await json('job start', ['job', 'start', 'cancellable', '--id', 'c', '--input', '{"to":100000}', ...config]);
  const waited = ['job', 'start', 'count', '--id', 'n', '--input', '{"to":2,"everyMs":1}', '--wait', ...config];
  expect(await json('job start --wait', waited)).toEqual({ id: 'n', state: 'done', result: { counted: 2 } });
  await eventually(async () => expect((await scene.jobs.handle('c').row())?.state).toBe('running'));
  await json('job list', ['job', 'list']);
  expect(await json('job show', ['job', 'show', 'c'])).toMatchObject({ id: 'c', row: { state: 'running' } });
  await json('job cancel', ['job', 'cancel', 'c']);
  expect(await json('job watch', ['job', 'watch', 'c'], 4)).toMatchObject({ id: 'c', state: 'cancelled' });
  await scene.jobs.start(failing, { progress: false, times: 9 }, { id: 'f' });
  expect(await json('job watch', ['job', 'watch', 'f'], 1)).toMatchObject({ id: 'f', state: 'failed' });
}, 120_000);

test('graphs', async () => {
  const config = ['--config', GRAPHS];
  const started = await json('graph start', ['graph', 'start', 'partly', '--id', 'p', ...config]);
  expect(started).toEqual({ id: 'p', graph: 'partly' });
  expect(await json('graph watch', ['graph', 'watch', 'p'], 1)).toMatchObject({ id: 'p', state: 'failed' });
  expect(await json('graph show', ['graph', 'show', 'p'])).toMatchObject({
    row: { state: 'failed', nodes: 5, done: 2 },
    status: { phase: 'failed' },
    jobs: { bad: { state: 'failed' } },
  });
  expect(await json('graph rerun', ['graph', 'rerun', 'p'])).toEqual({ id: 'p', again: 3, kept: 2 });
  await json('graph watch', ['graph', 'watch', 'p'], 1);
  await scene.ledger.pool.query(`insert into mended values ('p/bad')`);
  const again = await json('graph rerun --wait', ['graph', 'rerun', 'p', '--wait']);
  expect(again).toEqual({ id: 'p', state: 'done', result: { alone: 'alone: 3', after: 'after: 1' } });
  const few = ['--input', '{"repos":["a"],"to":1,"everyMs":1}'];
  const waited = await json('graph start --wait', ['graph', 'start', 'nightly', ...few, '--wait', ...config]);
  expect(waited).toMatchObject({ state: 'done', result: { report: 'counted: 1' } });
  await json('graph start', ['graph', 'start', 'waiting', '--id', 'w', ...config]);
  expect(await json('graph cancel', ['graph', 'cancel', 'w'])).toEqual({ id: 'w', cancelRequested: true });
  expect(await json('graph watch', ['graph', 'watch', 'w'], 4)).toMatchObject({ state: 'cancelled' });
  await json('graph list', ['graph', 'list']);
}, 180_000);

test('deploys', async () => {
  const ended = await json('deploy run', ['deploy', 'run', '--id', 'one', '--', 'true']);
  expect(ended).toMatchObject({ deploy: 'one', outcome: 'succeeded', exitCode: 0 });
  const asked = ['deploy', 'start', '--id', 'two', '--deadline', '60s', '--nonce', 'a-nonce-of-two'];
  expect(await json('deploy start', asked)).toMatchObject({ deploy: 'two', nonce: 'a-nonce-of-two' });
  await json('deploy list', ['deploy', 'list']);
  await json('board', ['board']);
  const shown = await json('deploy show', ['deploy', 'show', 'two']);
  expect(shown).toMatchObject({ deploy: { id: 'two', plan: 'default' }, live: { status: { code: 500 } } });
  expect(JSON.stringify(shown)).not.toContain('a-nonce-of-two');
  const finish = ['deploy', 'finish', '--id', 'two', '--nonce', 'a-nonce-of-two'];
  await json('deploy finish --no-wait', [...finish, '--no-wait']);
  expect(await json('deploy watch', ['deploy', 'watch', 'two'])).toMatchObject({ event: 'end', outcome: 'succeeded' });
  const third = ['deploy', 'start', '--id', 'three', '--deadline', '60s', '--nonce', 'a-nonce-of-three'];
  await json('deploy start', third);
  await json('deploy start', ['deploy', 'start', '--id', 'four', '--deadline', '60s', '--no-wait']);
  const withdrawn = await json('deploy abort', ['deploy', 'abort', 'four', '--reason', 'not needed']);
  expect(withdrawn).toEqual({ deploy: 'four', outcome: 'aborted' });
  expect(await json('deploy abort', ['deploy', 'abort', 'three', '--reason', 'enough'])).toMatchObject({
    deploy: 'three',
  });
  expect(await json('deploy watch', ['deploy', 'watch', 'three'], 4)).toMatchObject({
    event: 'end',
    outcome: 'aborted',
  });
}, 180_000);

test('the rest, and what is left to others', async () => {
  await json('ledger migrate', ['ledger', 'migrate']);
  await json('config show', ['config', 'show', '--config', CONFIG]);
  await json('config check', ['config', 'check', '--config', CONFIG]);
  const rest = JSON_OUTPUTS.map(({ command }) => command).filter((command) => !seen.has(command));
  // `board --watch` is in board.test.ts, the order and holds in order.test.ts, gates in deploys/gates-command, `init` in test/cli, notices in notices/cli, keys in encryption/keys; the others print what `deploy run`, `deploy abort` and `job show` do.
  expect(rest.sort()).toEqual([
    'board --watch',
    'deploy approve',
    'deploy expedite',
    'deploy finish',
    'deploy hold',
    'deploy resume',
    'deploy retry-step',
    'deploy revoke',
    'deploy show --audit',
    'deploy skip-step',
    'dev',
    'freeze',
    'gates close',
    'gates list',
    'gates open',
    'init',
    'job release',
    'keys generate',
    'keys list',
    'keys rotate',
    'notices list',
    'notices test',
    'unfreeze',
  ]);
}, 60_000);
