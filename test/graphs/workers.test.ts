import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { across } from '../app/graph-jobs.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import type { Scene } from '../support/scene.ts';
import { effects, openGraphScene } from './graph-scene.ts';

const CONFIG = fileURLToPath(new URL('../app/graphs.yaml', import.meta.url));
const processes = new Processes();
/** What CI's command does: nothing, until the test lets it go. */
const UNTIL_LET_GO = 'for i in $(seq 600); do [ -e "$GO" ] && exit 0; sleep 0.1; done; exit 1';
const NODES = ['fetched', 'fetched again', 'tallied', 'tallied again'];
let scene: Scene;
let env: Record<string, string>;

beforeAll(async () => {
  scene = await openGraphScene();
  env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl };
});

async function start(command: 'worker' | 'deploy-worker', build = 'v1'): Promise<TestProcess> {
  const started = processes.node('dist/cli/main.js', [command, '--config', CONFIG], { env: { ...env, BUILD: build } });
  await started.waitForLine(/worker ready/, { within: 40_000 });
  return started;
}

async function stop(...all: TestProcess[]): Promise<void> {
  for (const one of all) one.kill('SIGTERM');
  for (const one of all) expect(await one.ended()).toMatchObject({ code: 0 });
}

const reached = (graph: string, node: string, n: number) =>
  eventually(async () => expect(await effects(scene, graph)).toContain(`${node} ${n}`), { within: 40_000 });

/** Every node did everything once, and no attempt was spent. */
async function expectOnce(graph: string, to: number): Promise<void> {
  const numbers = Array.from({ length: to }, (_, n) => n);
  const expected = NODES.flatMap((node) => numbers.map((n) => `${node} ${n}`));
  expect((await effects(scene, graph)).sort()).toEqual([...expected, `report ${2 * to}`].sort());
  for (const node of NODES) expect(await scene.costOf(`${graph}/${node}`)).toEqual({ attempts: 0, failures: 0 });
  expect(await scene.costOf(graph)).toEqual({ attempts: 0, failures: 0 });
}

test('a deploy in the middle: the source queue closes first and opens last, jobs on both step aside, nothing is done twice', async () => {
  await scene.ledger.pool.query(
    `create table gate_log (id bigint generated always as identity, task_queue text, state text);
     create function log_gate() returns trigger language plpgsql as
       $$ begin insert into gate_log (task_queue, state) values (new.task_queue, new.state); return new; end $$;
     create trigger log_gate after update of state on lockkeeper._gates for each row execute function log_gate()`,
  );
  const to = 500;
  const go = join(await mkdtemp(join(tmpdir(), 'lockkeeper-graph-')), 'go');
  atEnd(() => rm(dirname(go), { recursive: true }));
  const old = [await start('worker'), await start('worker')];
  const deployWorker = await start('deploy-worker');
  const run = await scene.graphs.start(across, { to, everyMs: 25 }, { id: 'deployed' });
  await Promise.all([reached('deployed', 'fetched', 20), reached('deployed', 'tallied', 20)]);
  const deploy = processes.node(
    'dist/cli/main.js',
    ['deploy', 'run', '--config', CONFIG, '--id', 'release-2', '--', 'bash', '-c', UNTIL_LET_GO],
    { env: { ...env, GO: go } },
  );
  await eventually(
    async () => {
      const { rows } = await scene.ledger.pool.query(
        `select from lockkeeper.deploys where id = 'release-2' and code >= 500`,
      );
      expect(rows).toHaveLength(1);
    },
    { within: 30_000 },
  );
  await stop(...old);
  const atTheGate = (await effects(scene, 'deployed')).length;
  const next = [await start('worker', 'v2'), await start('worker', 'v2')];
  // The graph's own workflow is not held: it answers behind closed gates, and says that its nodes are at work.
  expect((await run.status()).phase).toBe('running');
  expect((await effects(scene, 'deployed')).length).toBe(atTheGate);
  await writeFile(go, '');
  expect(await deploy.ended({ within: 60_000 })).toMatchObject({ code: 0 });
  expect(await run.result()).toEqual({ report: `all: ${2 * to}` });
  await expectOnce('deployed', to);
  for (const node of ['fetched', 'tallied']) {
    const { rows } = await scene.ledger.pool.query<{ builds: string[]; interruptions: number }>(
      `select array_agg(distinct e.build order by e.build) as builds, min(j.interruptions) as interruptions
       from effect e join lockkeeper.jobs j on j.workflow_id = e.job where e.job = $1`,
      [`deployed/${node}`],
    );
    expect(rows).toEqual([{ builds: ['v1', 'v2'], interruptions: 1 }]);
  }
  const { rows: log } = await scene.ledger.pool.query<{ what: string }>(
    `select task_queue || ' ' || state as what from gate_log where state in ('closed', 'open') order by id`,
  );
  expect(log.map(({ what }) => what)).toEqual(['mirrors closed', 'reports closed', 'reports open', 'mirrors open']);
  await scene.record('job-graph-deployed', 'deployed');
  await stop(...next, deployWorker);
}, 180_000);

test('SIGKILL of the worker that runs the graph and its nodes: another goes on at once, nothing is done twice', async () => {
  const to = 120;
  const first = await start('worker');
  const run = await scene.graphs.start(across, { to, everyMs: 25 }, { id: 'killed' });
  await Promise.all([reached('killed', 'fetched', 20), reached('killed', 'tallied', 20)]);
  const second = await start('worker', 'v2');
  first.kill('SIGKILL');
  await first.ended();
  expect(await run.result()).toEqual({ report: `all: ${2 * to}` });
  await expectOnce('killed', to);
  await stop(second);
}, 120_000);

test('SIGKILL while nodes end and begin: every node runs once', async () => {
  const to = 120;
  const id = 'killed-often';
  let worker = await start('worker');
  const run = await scene.graphs.start(across, { to: to, everyMs: 2 }, { id });
  for (const node of ['fetched', 'tallied again']) {
    await reached(id, node, to - 1);
    worker.kill('SIGKILL');
    await worker.ended();
    worker = await start('worker', 'v2');
  }
  expect(await run.result()).toEqual({ report: `all: ${2 * to}` });
  const numbers = Array.from({ length: to }, (_, n) => n);
  expect((await effects(scene, id)).filter((one) => !one.startsWith('report')).sort()).toEqual(
    NODES.flatMap((node) => numbers.map((n) => `${node} ${n}`)).sort(),
  );
  await stop(worker);
}, 180_000);
