import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { closeFence, isDrained } from '../../src/ledger/gates.ts';
import { EFFECT_TABLE, count, countUntilTold } from '../app/count-job.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import { QUEUE, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

/** `countUntilTold` has the default heartbeat timeout of 30 s: what goes on sooner than that owes it to the watch. */
const CONFIG = fileURLToPath(new URL('../app/lockkeeper.yaml', import.meta.url));
const LONG_BEFORE_THE_TIMEOUT = { within: 15_000 };
let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
});

/** Workers of one test, killed at its end. */
async function workers(number: number): Promise<TestProcess[]> {
  const processes = new Processes();
  const env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl };
  const started = Array.from({ length: number }, () =>
    processes.node('dist/cli/main.js', ['worker', '--config', CONFIG], { env }),
  );
  atEnd(() => started.forEach((one) => one.kill('SIGKILL')));
  for (const one of started) await one.waitForLine(/worker ready/, { within: 40_000 });
  return started;
}

const rows = async <T extends object>(text: string, values: unknown[] = []): Promise<T[]> =>
  (await scene.ledger.pool.query<T>(text, values)).rows;

const numbers = async (job: string): Promise<number[]> =>
  (await rows<{ n: number }>('select n from effect where job = $1 and n >= 0 order by n, at', [job])).map(({ n }) => n);

/** Resolves when a job has written some more numbers than it has now. */
async function goesOn(job: string): Promise<void> {
  const before = (await numbers(job)).length;
  await eventually(
    async () => expect((await numbers(job)).length).toBeGreaterThan(before + 5),
    LONG_BEFORE_THE_TIMEOUT,
  );
}

/** Starts a job that counts until it is told, and waits until it does. */
async function counting(): Promise<string> {
  const id = `count-${randomUUID()}`;
  await scene.jobs.start(countUntilTold, undefined, { id });
  await goesOn(id);
  return id;
}

/** Ends it; every number was written once. */
async function countedOnce(job: string): Promise<void> {
  await rows(`insert into effect (job, n, build) values ($1, -1, 'told')`, [job]);
  await scene.jobs.handle(job).result();
  const done = await numbers(job);
  expect(done).toEqual(done.map((_, n) => n));
}

interface Holder {
  claim: string;
  worker: string;
  pid: number;
}
async function holderOf(job: string, among: readonly TestProcess[]): Promise<Holder & { process: TestProcess }> {
  const [found] = await rows<Holder>(
    `select c.claim, w.id as worker, w.pid from lockkeeper._jobs j join lockkeeper._claims c on c.claim = j.claim
     join lockkeeper._workers w on w.id = c.worker where j.workflow_id = $1`,
    [job],
  );
  const process = among.find(({ pid }) => pid === found?.pid);
  if (!found || !process) throw new Error(`job ${job} is held by ${JSON.stringify(found)}`);
  return { ...found, process };
}

/** The worker that watches for dead ones now. */
async function watching(among: readonly TestProcess[]): Promise<TestProcess> {
  return eventually(async () => {
    const [found] = await rows<{ pid: number }>(
      `select w.pid from pg_locks l join pg_stat_activity a on a.pid = l.pid
       join lockkeeper._workers w on a.application_name = 'lockkeeper watch ' || w.id
       where l.locktype = 'advisory' and l.objid = 0 and l.granted and a.datname = current_database()`,
    );
    const process = among.find(({ pid }) => pid === found?.pid);
    if (!process) throw new Error('nobody watches');
    return process;
  }, LONG_BEFORE_THE_TIMEOUT);
}

test('SIGKILL: the other worker goes on at once, everything is counted once, and no attempt is spent', async () => {
  const all = await workers(2);
  const job = await counting();
  const dead = await holderOf(job, all);
  dead.process.kill('SIGKILL');
  await dead.process.ended();
  await goesOn(job);
  const now = await holderOf(job, all);
  expect(now.pid).not.toBe(dead.pid);
  await countedOnce(job);
  expect(await scene.costOf(job)).toEqual({ attempts: 0, failures: 0 });
  expect(
    await rows('select stopped_at is not null as stopped from lockkeeper._workers where id = $1', [dead.worker]),
  ).toEqual([{ stopped: true }]);
  expect(await rows('select claim from lockkeeper._claims where worker = $1', [dead.worker])).toEqual([]);
  expect(now.process.stderr).toContain('a worker is gone; its slices go on elsewhere');
});

test('the last claim of a closed queue was that of a killed worker: the queue is drained all the same', async () => {
  const all = await workers(2);
  const job = await counting();
  const { process } = await holderOf(job, all);
  process.kill('SIGSTOP');
  await closeFence(scene.ledger, QUEUE, { deploy: 'd', token: 1 }, undefined);
  expect(await isDrained(scene.ledger, QUEUE)).toBe(false);
  process.kill('SIGKILL');
  await eventually(async () => expect(await isDrained(scene.ledger, QUEUE)).toBe(true), LONG_BEFORE_THE_TIMEOUT);
  await rows(
    `update lockkeeper._gates set state = 'open', owner_deploy = null, owner_token = null where task_queue = $1`,
    [QUEUE],
  );
  await countedOnce(job);
});

test('a worker that has lost only its session is not taken for dead, and nothing is interrupted', async () => {
  const all = await workers(2);
  const job = await counting();
  const holder = await holderOf(job, all);
  for (let times = 0; times < 5; times += 1) {
    await rows('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
      `lockkeeper worker ${holder.worker}`,
    ]);
    await goesOn(job);
  }
  expect((await holderOf(job, all)).claim).toBe(holder.claim);
  await countedOnce(job);
});

test('when everybody has lost every connection, as after a restart of Postgres, nobody is taken for dead', async () => {
  const all = await workers(2);
  const job = await counting();
  const holder = await holderOf(job, all);
  await rows(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
       and application_name like 'lockkeeper %'`,
  );
  await goesOn(job);
  await watching(all);
  expect((await holderOf(job, all)).claim).toBe(holder.claim);
  await countedOnce(job);
});

test('a frozen worker keeps its claims until the heartbeat timeout; fenced then, it is no more than that when it dies', async () => {
  const all = await workers(2);
  const id = `count-${randomUUID()}`;
  // Its heartbeat timeout is 4 s.
  await scene.jobs.start(count, { to: 4_000, everyMs: 5 }, { id });
  await goesOn(id);
  const frozen = await holderOf(id, all);
  frozen.process.kill('SIGSTOP');
  // Its open polls are still given the job a few times; each costs another timeout.
  await eventually(async () => expect((await holderOf(id, all)).worker).not.toBe(frozen.worker), { within: 60_000 });
  const stateOf = () =>
    rows<{ state: string }>('select state from lockkeeper._claims where claim = $1', [frozen.claim]);
  expect(await stateOf()).toEqual([{ state: 'fenced' }]);
  frozen.process.kill('SIGKILL');
  await eventually(async () => expect(await stateOf()).not.toEqual([{ state: 'fenced' }]), LONG_BEFORE_THE_TIMEOUT);
  await scene.jobs.handle(id).cancel();
  await expect(scene.jobs.handle(id).result()).rejects.toThrow();
}, 120_000);

test('the worker that watches is frozen: another one watches instead', async () => {
  const all = await workers(3);
  const frozen = await watching(all);
  frozen.kill('SIGSTOP');
  const [first, second] = all.filter((one) => one !== frozen) as [TestProcess, TestProcess];
  const dead = (await watching([first, second])) === first ? second : first;
  dead.kill('SIGKILL');
  await eventually(
    async () =>
      expect(await rows('select from lockkeeper._workers where pid = $1 and stopped_at is null', [dead.pid])).toEqual(
        [],
      ),
    LONG_BEFORE_THE_TIMEOUT,
  );
  frozen.kill('SIGCONT');
  await frozen.waitForLine(/the watch for dead workers was interrupted/);
});

test('a worker that died after it had released its claim and before it said so: the server is told', async () => {
  const all = await workers(2);
  const job = await counting();
  const holder = await holderOf(job, all);
  holder.process.kill('SIGSTOP');
  // What it would have done in its last moment.
  await eventually(() => rows(`select lockkeeper.end_claim($1, 'released', 'stepped aside')`, [holder.claim]));
  holder.process.kill('SIGKILL');
  await goesOn(job);
  await countedOnce(job);
  expect(await scene.costOf(job)).toEqual({ attempts: 0, failures: 0 });
});
