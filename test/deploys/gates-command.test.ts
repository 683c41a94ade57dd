import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { DeployEnd } from '../../src/cli/json/deploys.ts';
import { GatesClosed, GatesTold, ShownGate } from '../../src/cli/json/gates.ts';
import { EFFECT_TABLE, count } from '../app/count-job.ts';
import { eventually } from '../support/eventually.ts';
import { atEnd } from '../support/at-end.ts';
import { Processes } from '../support/processes.ts';
import { openScene } from '../support/scene.ts';
import type { TestProcess } from '../support/processes.ts';
import type { Scene } from '../support/scene.ts';

const CONFIG = fileURLToPath(new URL('../app/lockkeeper.yaml', import.meta.url));
const processes = new Processes();
const workers: TestProcess[] = [];
atEnd(async () => {
  for (const worker of workers) worker.kill('SIGTERM');
  for (const worker of workers) expect(await worker.ended()).toMatchObject({ code: 0 });
});
let scene: Scene;
let env: Record<string, string>;

beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl };
  for (const kind of ['worker', 'deploy-worker'])
    workers.push(processes.node('dist/cli/main.js', [kind, '--config', CONFIG], { env }));
  for (const worker of workers) await worker.waitForLine(/worker ready/, { within: 40_000 });
});

async function gates(...args: string[]) {
  const command = processes.node('dist/cli/main.js', ['gates', ...args, '--config', CONFIG], { env });
  const { code } = await command.ended({ within: 40_000 });
  return { code, stdout: command.stdout, stderr: command.stderr };
}

const done = async () => {
  const { rows } = await scene.ledger.pool.query<{ n: number }>('select count(*)::int as n from effect');
  return rows[0]!.n;
};
/** Nothing writes any more: looked at for longer than ten items take. */
async function standsStill(): Promise<void> {
  const before = await done();
  for (const until = Date.now() + 500; Date.now() < until; await delay(50)) expect(await done()).toBe(before);
}

test('gates close, show who closed them and why, and open: the job goes on', async () => {
  await scene.jobs.start(count, { to: 5_000, everyMs: 20 }, { id: 'long' });
  await eventually(async () => expect(await done()).toBeGreaterThan(5), { within: 20_000 });

  const closed = await gates(
    'close',
    '--reason',
    'the database is moved',
    '--for',
    '10m',
    '--id',
    'move',
    '--queue',
    'numbers',
  );
  expect(closed).toMatchObject({ code: 0 });
  expect(closed.stdout).toContain('closed and drained: numbers, for 10 m 0 s, by deploy move');
  await standsStill();

  const shown = await gates();
  expect(shown.stdout).toMatch(/numbers +closed +move .* held back: lockkeeper .*\/test\/move\/1/);
  const deploy = processes.node('dist/cli/main.js', ['deploy', 'show', 'move', '--config', CONFIG], { env });
  expect(await deploy.ended()).toMatchObject({ code: 0 });
  expect(deploy.stdout).toContain('reason the database is moved');

  const opened = await gates('open', '--reason', 'it is moved');
  expect(opened).toMatchObject({ code: 0 });
  expect(opened.stdout).toMatch(/deploy move of test: succeeded/);
  const before = await done();
  await eventually(async () => expect(await done()).toBeGreaterThan(before), { within: 20_000 });
  await scene.jobs.handle('long').cancel();
  await scene.expectOpen();
});

test('they open by themselves when the time is over', async () => {
  const closed = await gates('close', '--reason', 'short', '--for', '1s', '--id', 'short');
  expect(closed, closed.stderr).toMatchObject({ code: 0 });
  await eventually(
    async () => {
      const { rows } = await scene.ledger.pool.query(`select outcome from lockkeeper.deploys where id = 'short'`);
      expect(rows).toEqual([{ outcome: 'succeeded' }]);
    },
    { within: 20_000 },
  );
  await scene.expectOpen();
});

test('gates of a deploy are not for `gates open`, and what waits behind it is withdrawn', async () => {
  const deploy = processes.node(
    'dist/cli/main.js',
    ['deploy', 'run', '--config', CONFIG, '--id', 'v2', '--', 'sleep', '60'],
    { env },
  );
  await deploy.waitForLine(/Running your command/);
  expect(await gates('open')).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('lockkeeper deploy abort v2') as string,
  });
  expect(await gates('close', '--reason', 'later', '--id', 'later', '--no-wait')).toMatchObject({ code: 0 });
  expect((await gates('open')).stdout).toContain('withdrawn: deploy later had not begun');
  deploy.kill('SIGTERM');
  expect(await deploy.ended({ within: 40_000 })).toMatchObject({ code: 143 });
  await eventually(() => scene.expectOpen(), { within: 20_000 });
});

test('with --json each says what is documented', async () => {
  const last = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as unknown;
  const closed = GatesClosed.strict().parse(last(await gates('close', '--reason', 'x', '--id', 'j', '--json')));
  expect(closed).toEqual({ deploy: 'j', environment: 'test', closed: true, forMs: 3_600_000 });
  expect(z.array(ShownGate.strict()).parse(last(await gates('--json')))).toMatchObject([
    { taskQueue: 'numbers', state: 'closed', deploy: 'j', limit: { rate: 0 } },
  ]);
  expect(DeployEnd.strict().parse(last(await gates('open', '--json')))).toMatchObject({ outcome: 'succeeded' });
});

test('a closing that nobody waits for any more is taken back', async () => {
  const deploy = processes.node(
    'dist/cli/main.js',
    ['deploy', 'run', '--config', CONFIG, '--id', 'v3', '--', 'sleep', '60'],
    { env },
  );
  await deploy.waitForLine(/Running your command/);
  expect(await gates('close', '--reason', 'x', '--id', 'impatient', '--timeout', '1s')).toMatchObject({ code: 7 });
  const { rows } = await scene.ledger.pool.query(`select outcome from lockkeeper.deploys where id = 'impatient'`);
  expect(rows).toEqual([{ outcome: 'aborted' }]);
  deploy.kill('SIGTERM');
  expect(await deploy.ended({ within: 40_000 })).toMatchObject({ code: 143 });
  await eventually(() => scene.expectOpen(), { within: 20_000 });
});

test('nothing is closed: it is said, and that is no error', async () => {
  expect(await gates('open')).toMatchObject({ code: 0, stdout: expect.stringContaining('no gate of test') as string });
  expect(GatesTold.strict().parse(JSON.parse((await gates('open', '--json')).stdout))).toEqual({ environment: 'test' });
});

test.each([
  [['--queue', 'nubmers'], 'did you mean `numbers`?'],
  [['--for', '0'], 'longer than 0'],
])('wrong input %j is refused with words', async (args, words) => {
  const refused = await gates('close', '--reason', 'x', ...args);
  expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining(words) as string });
  await scene.expectOpen();
});
