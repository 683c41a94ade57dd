import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Worker, bundleWorkflowCode } from '@temporalio/worker';
import type { WorkerOptions } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { defineJob, lockkeeperPlugin, workflowsOfJobs } from '../../src/index.ts';
import type { LockkeeperPluginOptions } from '../../src/index.ts';
import { runningClaims } from '../../src/ledger/claims.ts';
import { EFFECT_TABLE, count, countUntilTold } from '../app/count-job.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { LedgerProxy } from '../support/ledger-proxy.ts';
import { Processes } from '../support/processes.ts';
import { quietLog } from '../support/quiet-log.ts';
import { ENVIRONMENT, QUEUE, command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const workflowsPath = file('../app/greeting-workflows.ts');
const activities = { greet: async (name: string) => `hello ${name}` };
const processes = new Processes();
const logger = new DefaultLogger('WARN');

let scene: Scene;
let connection: NativeConnection;
beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  await scene.startDeployWorker();
  connection = await NativeConnection.connect({ address: scene.temporal.address });
  return () => connection.close();
});

/** Temporal lets one connection serve a task queue once. */
async function anotherConnection(): Promise<NativeConnection> {
  const another = await NativeConnection.connect({ address: scene.temporal.address });
  atEnd(() => another.close());
  return another;
}

const plugin = (options: Partial<LockkeeperPluginOptions> = {}) =>
  lockkeeperPlugin({
    environment: ENVIRONMENT,
    jobs: [count, countUntilTold],
    ledger: scene.ledger,
    log: quietLog,
    ...options,
  });

/** As somebody has it before there are jobs, but for its plugins. */
const usual = (options: Partial<WorkerOptions> = {}): WorkerOptions => ({
  connection,
  namespace: scene.temporal.namespace,
  taskQueue: QUEUE,
  workflowsPath,
  activities,
  plugins: [plugin()],
  ...options,
});

/** Runs until the test's end, or until `stop`. */
async function start(options: Partial<WorkerOptions> = {}): Promise<{ worker: Worker; stop: () => Promise<void> }> {
  const worker = await Worker.create(usual(options));
  const ran = worker.run();
  const stop = async () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await ran;
  };
  atEnd(stop);
  return { worker, stop };
}

async function workers(): Promise<{ build_id: string; task_queues: string[]; stopped: boolean; stopping: boolean }[]> {
  const { rows } = await scene.ledger.pool.query<{
    build_id: string;
    task_queues: string[];
    stopped: boolean;
    stopping: boolean;
  }>(
    `select build_id, task_queues, stopping_at is not null as stopping, stopped_at is not null as stopped
     from lockkeeper.workers where kind = 'worker' order by started_at desc`,
  );
  return rows;
}

const sessionHeld = async () => {
  const { rows } = await scene.ledger.pool.query<{ held: number }>(
    `select count(*)::integer as held from lockkeeper._workers w
     join lockkeeper._session_locks l on l.session_lock = w.session_lock where w.kind = 'worker'`,
  );
  return rows[0]?.held;
};

const effects = async (job: string) => {
  const { rows } = await scene.ledger.pool.query<{ n: number }>(
    'select n from effect where job = $1 and n >= 0 order by n, at',
    [job],
  );
  return rows.map((row) => row.n);
};
const upTo = (to: number) => Array.from({ length: to }, (_, n) => n);

const running = (id: string) =>
  eventually(async () =>
    expect((await runningClaims(scene.ledger, QUEUE)).map((claim) => claim.workflowId)).toContain(id),
  );

const greet = (id: string) =>
  scene.temporal.client.workflow.execute('greeting', { workflowId: id, taskQueue: QUEUE, args: [id] });

describe('a Worker that somebody has already, with the plugin', () => {
  test('runs its own workflow, a job, and a job inside its own workflow; it is in the ledger, alive', async () => {
    const { stop } = await start({ buildId: 'plugged-1' });
    expect(await greet('before')).toBe('hello before');
    const job = await scene.jobs.start(count, { to: 5, everyMs: 0 }, { id: 'plugged' });
    expect(await job.result()).toEqual({ counted: 5 });
    expect(
      await scene.temporal.client.workflow.execute('greetingAfterCounting', {
        workflowId: 'both',
        taskQueue: QUEUE,
        args: [3],
      }),
    ).toBe('hello 3');
    expect((await workers())[0]).toEqual({
      build_id: 'plugged-1',
      task_queues: [QUEUE],
      stopped: false,
      stopping: false,
    });
    expect(await sessionHeld()).toBe(1);
    await stop();
    expect((await workers())[0]).toMatchObject({ stopping: true, stopped: true });
    expect(await sessionHeld()).toBe(0);
  }, 60_000);

  test('steps aside for a deploy, which also holds back its other activities, and goes on after', async () => {
    scene.planOf([command('one', 'sleep 2')]);
    await start();
    const job = await scene.jobs.start(countUntilTold, undefined, { id: 'aside' });
    await running('aside');
    let greeted: Promise<number> | undefined;
    const end = await scene.deploy('plugged-deploy', {
      on: ({ phase }) => {
        if (phase.startsWith('step 1')) greeted ??= greet('meanwhile').then(() => Date.now());
      },
    });
    const after = await effects('aside');
    expect(end).toEqual({ kind: 'ended', outcome: 'succeeded' });
    const { rows } = await scene.ledger.pool.query<{ during: number; opened: Date }>(
      `with at as (
         select (select e.at from lockkeeper.events e where deploy = 'plugged-deploy' and event = 'code' and (detail->>'code')::int = 500) as drained,
           (select e.at from lockkeeper.events e where deploy = 'plugged-deploy' and event = 'gateOpened') as opened)
       select (select count(*)::integer from effect, at where job = 'aside' and effect.at between drained and opened) as during, opened from at`,
    );
    expect(rows[0]?.during).toBe(0);
    expect(await greeted).toBeGreaterThan(rows[0]!.opened.getTime());
    await eventually(async () => expect((await effects('aside')).length).toBeGreaterThan(after.length));
    await scene.ledger.pool.query(`insert into effect (job, n, build) values ('aside', -1, 'test')`);
    const result = await job.result();
    expect(await effects('aside')).toEqual(upTo(result.counted));
    expect(await scene.costOf('aside')).toEqual({ attempts: 0, failures: 0 });
    await scene.expectOpen();
  }, 60_000);

  test('is shut down in the middle of a job: it goes on at another one from the last checkpoint, no attempt spent', async () => {
    const first = await start();
    const job = await scene.jobs.start(count, { to: 200, everyMs: 15 }, { id: 'handed-over' });
    await running('handed-over');
    const second = await start({ connection: await anotherConnection() });
    const before = performance.now();
    await first.stop();
    // Far less than the grace time, in which the SDK itself tells activities nothing.
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(first.worker.getState()).toBe('STOPPED');
    expect(await job.result()).toEqual({ counted: 200 });
    expect(await effects('handed-over')).toEqual(upTo(200));
    expect(await scene.costOf('handed-over')).toEqual({ attempts: 0, failures: 0 });
    await second.stop();
  }, 60_000);

  test('SIGTERM to its process: its job goes on elsewhere from the last checkpoint, and the process ends with 0', async () => {
    const env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl };
    const plugged = processes.node('test/app/plugged-worker.ts', [], { env });
    const job = await scene.jobs.start(count, { to: 200, everyMs: 15 }, { id: 'terminated' });
    await eventually(async () => expect((await effects('terminated')).length).toBeGreaterThan(5), { within: 40_000 });
    await start();
    plugged.kill('SIGTERM');
    // Far less than the grace time of 20 s.
    expect(await plugged.ended({ within: 10_000 })).toEqual({ code: 0, signal: null });
    expect(plugged.stderr).toContain('worker stopping');
    expect(await job.result()).toEqual({ counted: 200 });
    expect(await effects('terminated')).toEqual(upTo(200));
    expect(await scene.costOf('terminated')).toEqual({ attempts: 0, failures: 0 });
    expect((await job.row())?.losses).toBe(0);
  }, 90_000);

  test('runUntil ends it as well, also when what was waited for is over at once', async () => {
    const worker = await Worker.create(usual());
    expect(await worker.runUntil(Promise.resolve('over'))).toBe('over');
    expect(worker.getState()).toBe('STOPPED');
    expect(await sessionHeld()).toBe(0);
  });

  test('takes over the job of a worker that was killed, long before a heartbeat is missed', async () => {
    const other = processes.node(
      'dist/cli/main.js',
      ['worker', '--config', file('../app/lockkeeper.yaml'), '--build-id', 'killed'],
      { env: { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl } },
    );
    await other.waitForLine(/worker ready/, { within: 40_000 });
    const job = await scene.jobs.start(count, { to: 200, everyMs: 15 }, { id: 'left-behind' });
    await running('left-behind');
    await start();
    other.kill('SIGKILL');
    await other.ended();
    expect(await job.result()).toEqual({ counted: 200 });
    expect(await effects('left-behind')).toEqual(upTo(200));
    // The watch of the plugged Worker told the server, by the Worker's own connection.
    expect(await scene.costOf('left-behind')).toEqual({ attempts: 0, failures: 0 });
    expect(await job.row()).toMatchObject({ losses: 1 });
  }, 90_000);

  test('may have a finished bundle, if that was made for jobs', async () => {
    const workflowBundle = await bundleWorkflowCode({ workflowsPath, plugins: [workflowsOfJobs], logger });
    const options = usual({ workflowBundle });
    delete options.workflowsPath;
    const worker = await Worker.create(options);
    await worker.runUntil(async () => {
      expect(await greet('bundled')).toBe('hello bundled');
      const job = await scene.jobs.start(count, { to: 2, everyMs: 0 }, { id: 'bundled-job' });
      expect(await job.result()).toEqual({ counted: 2 });
    });
  }, 60_000);
});

describe('Worker.create refuses what would break a promise, and says what to set:', () => {
  const elsewhere = defineJob({
    name: 'elsewhere',
    taskQueue: 'another-queue',
    async *run() {
      yield undefined;
    },
  });

  test.each<[string, Partial<WorkerOptions>, string, string]>([
    [
      'eager dispatch',
      { maxEagerActivityReservationsPerWorkflowTask: 3 },
      'SETTING_BREAKS_LAW',
      'Leave it out, or set it to 0',
    ],
    ['no activities', { enableNonLocalActivities: false }, 'SETTING_BREAKS_LAW', 'enableNonLocalActivities is false'],
    ['a grace time above the force time', { shutdownGraceTime: '1m' }, 'SETTING_BREAKS_LAW', 'shutdownForceTime 25000'],
    ['no grace time', { shutdownGraceTime: 0 }, 'SETTING_BREAKS_LAW', 'The grace must be above 0'],
    [
      'long sticky queues',
      { stickyQueueScheduleToStartTimeout: '10s' },
      'SETTING_BREAKS_LAW',
      'stickyQueueScheduleToStartTimeout is 10000 ms',
    ],
    [
      'throttled heartbeats',
      { maxHeartbeatThrottleInterval: '60s' },
      'SETTING_BREAKS_LAW',
      'set it to at most 1000 ms',
    ],
    ['an activity of the same name', { activities: { slice: () => 1 } }, 'SETTING_BREAKS_LAW', 'an activity `slice`'],
    [
      'pinned workflows',
      {
        workerDeploymentOptions: {
          version: { deploymentName: 'd', buildId: 'b' },
          useWorkerVersioning: true,
          defaultVersioningBehavior: 'PINNED',
        },
      },
      'SETTING_BREAKS_LAW',
      'Set it to AUTO_UPGRADE',
    ],
    [
      'a payload converter of its own',
      { dataConverter: { payloadConverterPath: file('../../src/workflows/payload-converter.ts') } },
      'SETTING_BREAKS_LAW',
      'payloadConverterPath',
    ],
    ['no connection', { connection: undefined as never }, 'CONFIG_INVALID', 'NativeConnection.connect'],
    ['no workflows', { workflowsPath: undefined as never }, 'CONFIG_INVALID', "workflows: 'elsewhere'"],
    [
      'a workflow of the same name',
      { workflowsPath: file('../app/workflow-named-job.ts') },
      'CONFIG_INVALID',
      'the workflows export `job`',
    ],
    ['a bundle without the workflows of jobs', { workflowBundle: { code: '//' } }, 'CONFIG_INVALID', 'workflowsOfJobs'],
  ])('%s', async (_, options, code, words) => {
    const refused = Worker.create(usual(options));
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(words) as string });
  });

  test('jobs of other queues alone', async () => {
    await expect(Worker.create(usual({ plugins: [plugin({ jobs: [elsewhere] })] }))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('they are on another-queue') as string,
    });
  });

  test('a queue of another environment', async () => {
    await expect(Worker.create(usual({ plugins: [plugin({ environment: 'staging' })] }))).rejects.toMatchObject({
      code: 'QUEUE_OF_ANOTHER_ENVIRONMENT',
    });
  });

  test('a ledger of another namespace', async () => {
    await expect(Worker.create(usual({ namespace: 'default' }))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('Open it for the namespace of the Worker') as string,
    });
  });

  test('a connection pooler before the ledger, once it runs: the Worker ends', async () => {
    const proxy = await LedgerProxy.start(scene.ledger.databaseUrl);
    proxy.poolConnections();
    const ledger = await freshLedger({ databaseUrl: proxy.databaseUrl, namespace: scene.temporal.namespace });
    const worker = await Worker.create(usual({ plugins: [plugin({ ledger })] }));
    await expect(worker.run()).rejects.toMatchObject({ code: 'LEDGER_POOLED' });
    expect(worker.getState()).toBe('STOPPED');
  });

  test('a plugin that takes the activity of jobs away', async () => {
    const thief = { name: 'thief', configureWorker: (options: WorkerOptions) => ({ ...options, activities }) };
    // A Worker that never ran holds its connection for good.
    const held = await NativeConnection.connect({ address: scene.temporal.address });
    const worker = await Worker.create(usual({ connection: held, plugins: [plugin(), thief] }));
    await expect(worker.run()).rejects.toMatchObject({ code: 'SETTING_BREAKS_LAW' });
  });
});
