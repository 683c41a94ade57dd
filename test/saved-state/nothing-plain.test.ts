import { WorkflowFailedError } from '@temporalio/client';
import { beforeAll, expect, test } from 'vitest';
import { JobClient } from '../../src/client/job-client.ts';
import { plainClient } from '../../src/client/reading-client.ts';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { defineJob } from '../../src/jobs/index.ts';
import { keysInUse } from '../../src/ledger/keys.ts';
import { readJob } from '../../src/ledger/jobs.ts';
import { eventually } from '../support/eventually.ts';
import { QUEUE, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { rowsWith } from './scan.ts';

/** Is in the input, and so in whatever the job makes of it. */
const SECRET = 'maria.keller@example.com';
const keyring = parseKeyring(generateKey('k1'), 'test');

const told = defineJob({
  name: 'told',
  taskQueue: QUEUE,
  state: { initial: { sent: [] as string[] } },
  checkpointEvery: 0,
  retry: { maximumAttempts: 1 },
  async *run(job, input: { to: string; fail?: boolean; large?: boolean }) {
    job.progress(1, 2, `writes to ${input.to}`);
    yield { sent: [input.to] };
    yield* job.transaction(async (sql, save) => {
      await sql.query('select 1');
      save({ sent: [...job.state.sent, input.to] });
    });
    yield* job.statement('insert into sent default values', [], { sent: [...job.state.sent, input.to] });
    if (input.fail) throw new Error(`no mailbox ${input.to}`);
    return { sent: job.state.sent, ...(input.large && { page: input.to.repeat(20_000) }) };
  },
});

let scene: Scene;
beforeAll(async () => {
  scene = await openScene(keyring);
  await scene.ledger.pool.query('create table sent (at timestamptz default now())');
  await scene.startWorker([told]);
});

test('with a keyring nothing of state, result, note or error of a job is plain in the ledger, and the job works', async () => {
  const done = await scene.jobs.start(told, { to: SECRET }, { id: 'done' });
  expect(await done.result()).toEqual({ sent: [SECRET, SECRET, SECRET] });
  const large = await scene.jobs.start(told, { to: SECRET, large: true }, { id: 'large' });
  expect(await large.result()).toMatchObject({ page: SECRET.repeat(20_000) });
  const failed = await scene.jobs.start(told, { to: SECRET, fail: true }, { id: 'failed' });
  await expect(failed.result()).rejects.toBeInstanceOf(WorkflowFailedError);

  const { rows } = await scene.ledger.pool.query(
    'select distinct key_id, length(nonce) as nonce from lockkeeper._checkpoints',
  );
  expect(rows).toEqual([{ key_id: 'k1', nonce: 12 }]);
  expect(await keysInUse(scene.ledger)).toEqual([{ keyId: 'k1', checkpoints: 9, texts: 4 }]);
  expect(await rowsWith(scene.ledger, SECRET)).toEqual([]);
  // What the search would find.
  await scene.ledger.pool.query(`update lockkeeper._jobs set reason = $1 where workflow_id = 'failed'`, [SECRET]);
  expect(await rowsWith(scene.ledger, SECRET)).toHaveLength(1);
});

test('whoever has the keyring reads notes and reasons; who has not is told by which key they are encrypted', async () => {
  const job = await scene.jobs.start(told, { to: SECRET, fail: true }, { id: 'read' });
  await expect(job.result()).rejects.toBeInstanceOf(WorkflowFailedError);
  await eventually(async () =>
    expect(await job.row()).toMatchObject({
      state: 'failed',
      reason: `no mailbox ${SECRET}`,
      progress: { note: `writes to ${SECRET}` },
    }),
  );
  const without = new JobClient(plainClient(scene.temporal.client), scene.ledger);
  expect(await without.handle('read').row()).toMatchObject({
    reason: '(encrypted by key k1)',
    progress: { note: '(encrypted by key k1)' },
  });
  expect(await without.list({ state: 'failed' })).toContainEqual(
    expect.objectContaining({ workflowId: 'read', reason: '(encrypted by key k1)' }),
  );
  expect((await readJob(scene.ledger, 'read'))?.reason).toMatch(/^sealed:k1:/);
});

test('a large result is read by who has the key, and by nobody else', async () => {
  const job = await scene.jobs.start(told, { to: SECRET, large: true }, { id: 'large-2' });
  await job.result();
  const results = (keys?: string) =>
    new JobClient(
      plainClient(scene.temporal.client),
      scene.ledger,
      keys === undefined ? undefined : parseKeyring(keys, 'test'),
    )
      .handle('large-2')
      .result();
  await expect(results()).rejects.toMatchObject({ code: 'KEY_MISSING' });
  await expect(results(generateKey('k2'))).rejects.toMatchObject({ code: 'KEY_MISSING' });
  await expect(results(generateKey('k1'))).rejects.toMatchObject({ code: 'SEAL_BROKEN' });
});
