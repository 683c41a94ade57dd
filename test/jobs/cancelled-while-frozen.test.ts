import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { EFFECT_TABLE, cancellable } from '../app/count-job.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

const CONFIG = fileURLToPath(new URL('../app/lockkeeper.yaml', import.meta.url));
const processes = new Processes();
const workers: TestProcess[] = [];
let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
});
atEnd(async () => {
  for (const worker of workers) worker.kill('SIGTERM');
  for (const worker of workers) await worker.ended();
});

test('a job that is cancelled while its worker is frozen is undone elsewhere, and the worker that wakes changes nothing', async () => {
  const env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl };
  const start = async () => {
    const worker = processes.node('dist/cli/main.js', ['worker', '--config', CONFIG], { env });
    workers.push(worker);
    await worker.waitForLine(/worker ready/, { within: 40_000 });
    return worker;
  };
  const frozen = await start();
  const job = await scene.jobs.start(cancellable, { to: 100_000 }, { id: 'cancelled' });
  await eventually(async () => expect((await job.row())?.seq).toBeGreaterThan(0), { within: 20_000 });
  frozen.kill('SIGSTOP');
  try {
    await start();
    await job.cancel();
    await eventually(async () => expect((await job.row())?.state).toBe('cancelled'), { within: 60_000 });
    const workflow = scene.temporal.client.workflow.getHandle('cancelled');
    await eventually(async () => expect((await workflow.describe()).status.name).toBe('CANCELLED'), { within: 10_000 });
  } finally {
    frozen.kill('SIGCONT');
  }
  // The one that woke has heard that its slice is over.
  await eventually(
    async () => {
      const open = `select from lockkeeper.claims where workflow_id = 'cancelled' and state in ('running', 'fenced')`;
      expect((await scene.ledger.pool.query(open)).rowCount).toBe(0);
    },
    { within: 30_000 },
  );
  const { rows } = await scene.ledger.pool.query('select n, build from effect where job = $1', ['cancelled']);
  expect(rows).toEqual([{ n: -1, build: 'compensated' }]);
  expect((await job.row())?.state).toBe('cancelled');
}, 150_000);
