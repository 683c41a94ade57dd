import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { defineJob } from '../../src/index.ts';
import type { Whereabouts } from '../../src/client/deploy-client.ts';
import { deployStepId } from '../../src/protocol.ts';
import { EFFECT_TABLE } from '../app/count-job.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import { ENVIRONMENT, QUEUE, external, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { CTRL_C, TestTerminal } from '../support/terminal.ts';

const processes = new Processes();
const SPINNER = /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/;
const WITHIN = { within: 60_000 };
let scene: Scene;
let env: Record<string, string>;

beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  scene.planOf([external({ leaseMs: 6_000, timeoutMs: 120_000 })], {
    drain: { deadlineMs: 120_000, onTimeout: 'abort', waitMs: 0 },
  });
  env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl, LOCKKEEPER_ENVIRONMENT: ENVIRONMENT };
});

const lockkeeper = (...args: string[]): TestProcess => processes.lockkeeper(args, { env });
const terminal = (columns: number, ...args: string[]) =>
  new TestTerminal(processes, [process.execPath, 'src/cli/main.ts', ...args], { columns, rows: 24 }, { env });
const jsonOf = (process: TestProcess) =>
  process.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Does not step aside before it is told to go on by a row with n = -1. */
const stayingUntilTold = defineJob({
  name: 'stayingUntilTold',
  taskQueue: QUEUE,
  state: { initial: { done: false } },
  async *run(job) {
    if (job.state.done) return;
    yield* job.transaction(async (sql, save) => {
      const told = () => sql.query('select from effect where job = $1 and n = -1', [job.id]);
      while ((await told()).rowCount === 0) await delay(100);
      save({ done: true });
    });
  },
});

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-terminal-'));
  atEnd(() => rm(folder, { recursive: true }));
  return folder;
}

/** A deploy whose command runs until it is ended. */
async function deployThatWaits(id: string, ...more: string[]) {
  const wrapper = lockkeeper('deploy', 'run', '--id', id, ...more, '--', 'sleep', '600');
  await wrapper.waitForLine(/Running your command/, WITHIN);
  return wrapper;
}

test('on a terminal a drain names its jobs, the command has the screen for itself, and only lines are left', async () => {
  const { stop: stopWorker } = await scene.startWorker([stayingUntilTold]);
  const { stop } = await scene.startDeployWorker();
  await scene.jobs.start(stayingUntilTold, undefined, { id: 'slow-1' });
  await eventually(async () => expect((await scene.jobs.handle('slow-1').row())?.state).toBe('running'));
  const go = join(await freshFolder(), 'go');
  const script = `printf half; until [ -e ${go} ]; do sleep 0.1; done; echo " done"; printf unfinished`;
  const run = terminal(80, 'deploy', 'run', '--id', 'shown', '--', 'sh', '-c', script);
  await run.waitFor(/. draining, \d+ s; numbers: slow-1/, WITHIN);
  await scene.ledger.pool.query(`insert into effect (job, n, build) values ('slow-1', -1, 'v1')`);
  const during = await run.waitFor(/half/, WITHIN);
  expect(during.all.join('\n')).not.toMatch(SPINNER);
  expect(during.cursorHidden).toBe(false);
  await writeFile(go, '');
  expect(await run.process.ended(WITHIN)).toMatchObject({ code: 0 });
  const { all, cursorHidden } = await run.see();
  expect(cursorHidden).toBe(false);
  expect(all.join('\n')).not.toMatch(SPINNER);
  expect(all).toEqual(expect.arrayContaining(['half done', 'unfinished', 'lockkeeper: Draining: numbers']));
  expect(all.filter((line) => line !== '').at(-1)).toMatch(/^deploy shown of test: succeeded after/);
  await stop();
  await stopWorker();
}, 120_000);

test('whoever waits is told whom for; whoever watches sees it to its end, by its exit code', async () => {
  const { stop } = await scene.startDeployWorker();
  const nothing = lockkeeper('deploy', 'watch');
  expect(await nothing.ended(WITHIN)).toMatchObject({ code: 0 });
  expect(nothing.stdout).toContain('no deploy runs in test, and none waits');

  const first = await deployThatWaits('first', '--version', '4.0', '--requested-by', 'ann');
  const second = lockkeeper('deploy', 'run', '--id', 'second', '--', 'true');
  await second.waitForLine(/Waiting for deploy first of 4.0, plan default, by ann, runs since \d{4}-.*Z$/, WITHIN);
  await second.waitForLine(/`lockkeeper deploy show first`.*`lockkeeper deploy abort first --reason …`/);
  const watching = terminal(60, 'deploy', 'watch');
  const following = lockkeeper('deploy', 'watch', 'first', '--json');
  const leaving = terminal(80, 'deploy', 'watch', 'second');
  await watching.waitFor(/Following deploy first of 4.0[^]*. step 1, ci, \d+ s/, WITHIN);
  await leaving.waitFor(/. waiting for deploy first/, WITHIN);
  await following.waitForLine(/"event":"status"/, WITHIN);
  leaving.type(CTRL_C);
  expect(await leaving.process.ended(WITHIN)).toMatchObject({ code: 130 });
  expect((await leaving.see()).all.join('\n')).toContain('deploy second of test: interrupted after');

  const abort = lockkeeper('deploy', 'abort', 'first', '--reason', 'enough', '--requested-by', 'bob');
  expect(await abort.ended(WITHIN)).toMatchObject({ code: 0 });
  expect(await watching.process.ended(WITHIN)).toMatchObject({ code: 4 });
  const seen = (await watching.see()).all.join('\n');
  expect(seen).toContain('deploy first of test: aborted after');
  expect(seen).not.toMatch(SPINNER);
  expect(await following.ended(WITHIN)).toMatchObject({ code: 4 });
  const lines = jsonOf(following);
  expect(lines.at(-1)).toMatchObject({ event: 'end', deploy: 'first', outcome: 'aborted', exitCode: 4 });
  expect(following.stdout).not.toContain('token');
  expect(following.stderr).toBe('');
  expect(await first.ended(WITHIN)).toMatchObject({ code: 4 });
  expect(await second.ended(WITHIN)).toMatchObject({ code: 0 });

  // What has ended is still known: to the ledger, and without one to Temporal.
  const late = lockkeeper('deploy', 'watch', 'first');
  const withoutLedger = processes.lockkeeper(['deploy', 'watch', 'first'], { env: { ...env, DATABASE_URL: '' } });
  for (const one of [late, withoutLedger]) {
    expect(await one.ended(WITHIN)).toMatchObject({ code: 4 });
    expect(one.stdout).toContain('deploy first of test: aborted earlier: aborted by bob: enough');
  }
  const offered = lockkeeper('complete', '--', 'deploy', 'show', 'fi');
  expect(await offered.ended(WITHIN)).toMatchObject({ code: 0 });
  expect(offered.stdout).toBe('first\n');
  const unknown = lockkeeper('deploy', 'watch', 'never', '--json');
  expect(await unknown.ended(WITHIN)).toMatchObject({ code: 2 });
  expect(jsonOf(unknown)).toEqual([
    {
      error: {
        code: 'DEPLOY_NOT_FOUND',
        message: 'environment test has no deploy never',
        next: 'See `lockkeeper deploy list`',
        exitCode: 2,
      },
    },
  ]);
  await stop();
}, 180_000);

test('a refusal names the holder, since when, and the next command', async () => {
  const { stop } = await scene.startDeployWorker();
  const holder = await deployThatWaits('held', '--requested-by', 'ann');
  const conflict = lockkeeper(
    'deploy',
    'run',
    '--id',
    'held',
    '--version',
    '2',
    '--requested-by',
    'ann',
    '--json',
    '--',
    'true',
  );
  const again = lockkeeper('deploy', 'run', '--id', 'held', '--requested-by', 'ann', '--', 'true');
  expect(await conflict.ended(WITHIN)).toMatchObject({ code: 5 });
  expect(jsonOf(conflict)[0]).toMatchObject({
    error: {
      code: 'DEPLOY_CONFLICT',
      message: expect.stringMatching(
        /^deploy held was requested before with another version, by ann at \d{4}-.*Z, and is under way$/,
      ) as string,
      next: expect.stringContaining('`lockkeeper deploy show held`') as string,
    },
  });
  const beside = await again.waitForLine(
    /Step ci is being done by process \d+ on .* since \d{4}-.*Z; your command is not run/,
    WITHIN,
  );
  expect(beside).toContain(`process ${holder.pid} on`);
  const { status } = (await scene.deploys.find('held')) as Extract<Whereabouts, { at: 'running' }>;
  const step = deployStepId(ENVIRONMENT, 'held', 1, 'ci');
  await expect(scene.deploys.leases.take(step, status.deploy, 'another-nonce')).rejects.toMatchObject({
    code: 'LEASE_TAKEN',
    message: expect.stringMatching(
      /another one has taken the lease of this step: process \d+ on .*, since .*, last heard of at .*`lockkeeper deploy watch held`.*`lockkeeper deploy abort held --reason …`/,
    ) as string,
  });
  holder.kill('SIGTERM');
  expect(await holder.ended(WITHIN)).toMatchObject({ code: 143 });
  expect(await again.ended(WITHIN)).toMatchObject({ code: 1 });
  await stop();
}, 180_000);
