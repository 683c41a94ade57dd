import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { deployRunId, coordinatorId } from '../../src/protocol.ts';
import { EFFECT_TABLE, count, stubborn } from '../app/count-job.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import { ENVIRONMENT, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

const CONFIG = fileURLToPath(new URL('../app/lockkeeper.yaml', import.meta.url));
const processes = new Processes();
let scene: Scene;
let env: Record<string, string>;

beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl };
});

async function start(command: 'worker' | 'deploy-worker', build = 'v1'): Promise<TestProcess> {
  const started = processes.node('dist/cli/main.js', [command, '--config', CONFIG], { env: { ...env, BUILD: build } });
  await started.waitForLine(/worker ready/, { within: 40_000 });
  return started;
}

async function effects(job: string): Promise<{ n: number; build: string }[]> {
  const { rows } = await scene.ledger.pool.query<{ n: number; build: string }>(
    'select n, build from effect where job = $1 order by n, at',
    [job],
  );
  return rows;
}

const reached = (job: string, n: number) =>
  eventually(async () => expect((await effects(job)).length).toBeGreaterThanOrEqual(n), { within: 30_000 });

async function stop(...all: TestProcess[]): Promise<void> {
  for (const one of all) one.kill('SIGTERM');
  for (const one of all) expect(await one.ended()).toMatchObject({ code: 0 });
}

test('a deploy replaces the workers in the middle of jobs: nothing lost, nothing twice, no attempt spent', async () => {
  const old = [await start('worker'), await start('worker')];
  const deployWorker = await start('deploy-worker');
  const ids = ['one', 'two', 'three'];
  for (const id of ids) await scene.jobs.start(count, { to: 400, everyMs: 15 }, { id });
  await reached('three', 20);

  const deploy = processes.node(
    'dist/cli/main.js',
    [
      'deploy',
      'run',
      '--config',
      CONFIG,
      '--id',
      'release-2',
      '--json',
      '--',
      'bash',
      '-c',
      'echo deploying; read -t 60 line < "$GO" || true',
    ],
    { env: { ...env, GO: '/dev/null' } },
  );
  // What CI's command would do: the gates are closed, so nothing is interrupted by the end of the old workers.
  await eventually(async () => expect((await scene.deploys.find('release-2')).at).toMatch(/running|ended/), {
    within: 20_000,
  });
  const next = [start('worker', 'v2'), start('worker', 'v2')];
  await eventually(
    async () => {
      const { rows } = await scene.ledger.pool.query<{ code: number }>(
        `select code from lockkeeper.deploys where id = 'release-2'`,
      );
      expect(rows[0]?.code).toBeGreaterThanOrEqual(500);
    },
    { within: 20_000 },
  );
  await stop(...old);
  const fresh = await Promise.all(next);
  expect(await deploy.ended({ within: 60_000 })).toMatchObject({ code: 0 });
  expect(
    JSON.parse(
      deploy.stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .at(-1)!,
    ),
  ).toMatchObject({ outcome: 'succeeded' });

  for (const id of ids) expect(await scene.jobs.handle(id).result()).toEqual({ counted: 400 });
  for (const id of ids) {
    const done = await effects(id);
    expect(done.map((row) => row.n)).toEqual(Array.from({ length: 400 }, (_, n) => n));
    expect(new Set(done.map((row) => row.build))).toEqual(new Set(['v1', 'v2']));
    expect(await scene.costOf(id)).toEqual({ attempts: 0, failures: 0 });
  }
  expect(await scene.costOf(deployRunId(ENVIRONMENT))).toEqual({ attempts: 0, failures: 0 });
  const late = await scene.ledger.pool.query(
    `select c.claim from lockkeeper.claims c where build_id = 'v1' and started_at >
       (select at from lockkeeper.events where deploy = 'release-2' and event = 'code' and (detail->>'code')::int = 700)`,
  );
  expect(late.rows).toEqual([]);
  await scene.record('job-interrupted-by-deploy', 'one');
  await scene.record('deploy-coordinator-running', coordinatorId(ENVIRONMENT));
  await stop(...fresh, deployWorker);
}, 180_000);

/** Two workers, and a job in the middle; the worker that has it, and the other one. */
async function jobInTheMiddle(id: string, to: number): Promise<{ holder: TestProcess; other: TestProcess }> {
  const both = [await start('worker'), await start('worker', 'v2')];
  await scene.jobs.start(count, { to, everyMs: 15 }, { id });
  await reached(id, 20);
  const { rows } = await scene.ledger.pool.query<{ pid: number }>(
    'select pid from lockkeeper.jobs where workflow_id = $1',
    [id],
  );
  const holder = both.find((one) => one.pid === rows[0]?.pid);
  const other = both.find((one) => one !== holder);
  if (!holder || !other) throw new Error(`no worker has the job: ${JSON.stringify(rows)}`);
  return { holder, other };
}

async function expectEachOnce(id: string, to: number): Promise<void> {
  const done = await effects(id);
  expect(done.map((row) => row.n)).toEqual(Array.from({ length: to }, (_, n) => n));
  expect(new Set(done.map((row) => row.build))).toEqual(new Set(['v1', 'v2']));
}

test('SIGTERM to a worker: its job goes on at the other one from the last checkpoint, no attempt spent', async () => {
  const { holder, other } = await jobInTheMiddle('handed-over', 200);
  await stop(holder);
  expect(await scene.jobs.handle('handed-over').result()).toEqual({ counted: 200 });
  await expectEachOnce('handed-over', 200);
  expect(await scene.costOf('handed-over')).toEqual({ attempts: 0, failures: 0 });
  await stop(other);
}, 120_000);

test('SIGKILL to a worker: its job goes on at the other one, nothing twice, nothing lost, the loss is counted', async () => {
  const { holder, other } = await jobInTheMiddle('killed', 200);
  holder.kill('SIGKILL');
  await holder.ended();
  expect(await scene.jobs.handle('killed').result()).toEqual({ counted: 200 });
  await expectEachOnce('killed', 200);
  // The watch told the server that the slice was over, long before a heartbeat was missed.
  expect(await scene.costOf('killed')).toEqual({ attempts: 0, failures: 0 });
  expect(await scene.jobs.handle('killed').row()).toMatchObject({ state: 'done', losses: 1 });
  await scene.record('job-after-kill', 'killed');
  await stop(other);
}, 120_000);

test('SIGTERM to a worker whose job never yields: it ends all the same, and the job goes on elsewhere', async () => {
  const deaf = await start('worker');
  await scene.jobs.start(stubborn, { rounds: 1, everyMs: 60_000 }, { id: 'deaf' });
  await eventually(async () => expect((await scene.jobs.handle('deaf').row())?.state).toBe('running'), {
    within: 20_000,
  });
  deaf.kill('SIGTERM');
  // shutdownForce is 8 s in this configuration.
  const { code } = await deaf.ended({ within: 20_000 });
  expect(code).toBe(1);
  expect(deaf.stderr).toContain('shutdown');
  await scene.temporal.client.workflow.getHandle('deaf').terminate('the test ended');
}, 60_000);
