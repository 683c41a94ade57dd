import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { keysInUse } from '../../src/ledger/keys.ts';
import { EFFECT_TABLE, count } from '../app/count-job.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { LONG } from './steady.ts';

const [k1, k2] = [generateKey('k1'), generateKey('k2')];
const both = `${k2},${k1}`;
const CONFIG = fileURLToPath(new URL('../app/lockkeeper.yaml', import.meta.url));

const processes = new Processes();
const envOf = (scene: Scene, keys: string) => ({
  ...scene.temporal.env,
  DATABASE_URL: scene.ledger.databaseUrl,
  LOCKKEEPER_KEYS: keys,
});

async function startWorker(scene: Scene, keys: string): Promise<TestProcess> {
  const worker = processes.lockkeeper(['worker', '--config', CONFIG], { env: envOf(scene, keys) });
  await worker.waitForLine(/worker ready/, { within: 40_000 });
  return worker;
}

async function stop(worker: TestProcess): Promise<void> {
  worker.kill('SIGTERM');
  expect(await worker.ended({ within: 40_000 })).toMatchObject({ code: 0 });
}

async function rotate(scene: Scene, ...args: string[]) {
  const command = processes.lockkeeper(['keys', 'rotate', ...args], { env: envOf(scene, both) });
  const { code } = await command.ended({ within: 120_000 });
  return { code, stdout: command.stdout, stderr: command.stderr };
}

test('keys are rotated while jobs run, through SIGKILL; then the old one is left out, and all go on', async () => {
  const scene = await openScene(parseKeyring(k1, 'test'));
  await scene.ledger.pool.query(EFFECT_TABLE);
  const first = await startWorker(scene, k1);
  const ids = Array.from({ length: 5 }, (_, n) => `count-${n}`);
  for (const id of ids) await scene.jobs.start(count, { to: 100_000, everyMs: 100 }, { id });
  await eventually(
    async () => expect((await scene.jobs.list()).filter((row) => row.seq >= 2)).toHaveLength(ids.length),
    LONG,
  );
  // Rows of jobs that have ended long ago, and many of them.
  await scene.ledger.pool.query(`
    insert into lockkeeper._jobs (key, namespace, workflow_id, name, task_queue, state, seq)
      select 'old-' || n, '${scene.temporal.namespace}', 'old-' || n, 'old', 'q', 'done', 1 from generate_series(1, 10000) n`);
  await scene.ledger.pool.query(`
    insert into lockkeeper._checkpoints (key, seq, kind, state_version, build_id, key_id, nonce, ciphertext)
      select 'old-' || n, 1, 'done', 1, 'v0', 'k0', '123456789012', '' from generate_series(1, 10000) n`);
  await stop(first);

  const second = await startWorker(scene, both);
  const rotating = rotate(scene, '--json');
  const row = () => scene.jobs.handle('rotate-keys-to-k2').row();
  await eventually(async () => expect((await row())?.seq).toBeGreaterThan(3), LONG);
  second.kill('SIGKILL');
  await second.ended();
  const third = await startWorker(scene, both);
  const told = await rotating;
  expect(told.code).toBe(0);
  expect(JSON.parse(told.stdout)).toMatchObject({
    id: 'rotate-keys-to-k2',
    state: 'done',
    // What nobody can read stays as it is, and is told.
    result: { unreadable: 10000 },
  });
  expect(told.stderr).toMatch(/still encrypted by others: k0 \(10000 saved states, 0 texts\)/);
  await scene.ledger.pool.query(`delete from lockkeeper._jobs where name = 'old'`);
  expect((await keysInUse(scene.ledger)).map(({ keyId }) => keyId)).toEqual(['k2']);
  expect(await rotate(scene)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('everything in the ledger is encrypted by k2 already') as string,
  });
  await stop(third);

  // What Temporal keeps of the workflows is of the old key still; of the ledger nothing is.
  const last = await startWorker(scene, both);
  const reached = new Map((await scene.jobs.list()).map((one) => [one.workflowId, one.seq]));
  await eventually(async () => {
    for (const one of await scene.jobs.list({ name: 'count' }))
      expect(one.seq).toBeGreaterThan(reached.get(one.workflowId)!);
  }, LONG);
  for (const id of ids) await scene.jobs.handle(id).cancel();
  await eventually(async () => expect(await scene.jobs.list({ state: 'cancelled' })).toHaveLength(ids.length), LONG);
  await stop(last);
}, 240_000);
