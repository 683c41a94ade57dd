import { expect, test } from 'vitest';
import { plainClient } from '../../src/client/reading-client.ts';
import { JobClient } from '../../src/client/job-client.ts';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { createWorker } from '../../src/index.ts';
import { EFFECT_TABLE, count, countUntilTold } from '../app/count-job.ts';
import { eventually } from '../support/eventually.ts';
import { quietLog } from '../support/quiet-log.ts';
import { ENVIRONMENT, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

const older = generateKey('older');
const newer = generateKey('newer');
const onlyOlder = parseKeyring(older, 'test');
const rotated = parseKeyring(`${newer}\n${older}`, 'test');

async function scene(encryption: Parameters<typeof openScene>[0]): Promise<Scene> {
  const opened = await openScene(encryption);
  await opened.ledger.pool.query(EFFECT_TABLE);
  return opened;
}

const failures = async (at: Scene, id: string) => {
  const { events } = await at.temporal.client.workflow.getHandle(id).fetchHistory();
  return (events ?? []).flatMap((event) => event.workflowTaskFailedEventAttributes?.failure?.message ?? []);
};

test(
  'a job that was encrypted by a key its worker lacks waits, and says so in plain words; with the key it is done, and nothing was spent',
  { timeout: 90_000 },
  async () => {
    const here = await scene(onlyOlder);
    const lacking = await here.startWorker([count], 'lacks');
    const jobs = new JobClient(plainClient(here.temporal.client), here.ledger, rotated);
    const job = await jobs.start(count, { to: 3, everyMs: 0 }, { id: 'waits' });
    await eventually(async () =>
      expect((await failures(here, 'waits'))[0]).toContain('key newer is not in the keyring, which has older'),
    );
    // No hot loop: the server hears of a failure once, and the attempts after it run into their time.
    const before = (await job.describe()).state;
    expect(before).toBe('pending');
    await lacking.stop();
    await here.startWorker([count], 'has', rotated);
    expect(await job.result()).toEqual({ counted: 3 });
    expect((await failures(here, 'waits')).length).toBeLessThanOrEqual(3);
    expect(await job.row()).toMatchObject({ state: 'done', losses: 0, interruptions: 0 });
  },
);

test(
  'encryption is switched on in the middle of a job: it goes on once plain text is accepted, and what follows is encrypted',
  { timeout: 60_000 },
  async () => {
    const here = await scene('plaintext');
    const plain = await here.startWorker([countUntilTold], 'plain');
    const job = await here.jobs.start(countUntilTold, undefined, { id: 'switched' });
    await eventually(async () => expect((await job.describe()).seq).toBeGreaterThan(3));
    await plain.stop();

    await expect(here.startWorker([countUntilTold], 'strict', onlyOlder)).rejects.toMatchObject({
      code: 'PLAINTEXT_REFUSED',
      message: expect.stringContaining('encryption.acceptPlaintext: true') as string,
    });
    await here.startWorker([countUntilTold], 'accepts', onlyOlder.acceptingPlaintext());
    const { seq } = await job.describe();
    await eventually(async () => expect((await job.describe()).seq).toBeGreaterThan(seq + 3));
    await here.ledger.pool.query(`insert into effect (job, n, build) values ('switched', -1, 'test')`);
    const jobs = new JobClient(plainClient(here.temporal.client), here.ledger, onlyOlder);
    expect(await jobs.handle('switched').result()).toHaveProperty('counted');
    await expect(
      new JobClient(plainClient(here.temporal.client), here.ledger, 'plaintext').handle('switched').result(),
    ).rejects.toMatchObject({ code: 'KEY_MISSING' });
  },
);

test('a worker without the key of what open jobs have saved does not start', { timeout: 60_000 }, async () => {
  const here = await scene(onlyOlder);
  const worker = await here.startWorker([countUntilTold]);
  const job = await here.jobs.start(countUntilTold, undefined, { id: 'open' });
  await eventually(async () => expect((await job.describe()).seq).toBeGreaterThan(1));
  await worker.stop();
  await expect(here.startWorker([countUntilTold], 'other', parseKeyring(newer, 'test'))).rejects.toMatchObject({
    code: 'KEY_MISSING',
    message: expect.stringContaining('encrypted by older, and the keyring has newer') as string,
  });
  await expect(here.startWorker([countUntilTold], 'none', 'plaintext')).rejects.toMatchObject({
    code: 'KEY_MISSING',
    message: expect.stringContaining('there are no keys here') as string,
  });
  await job.cancel();
  await here.startWorker([countUntilTold], 'again');
  await expect(job.result()).rejects.toThrow();
});

test('whoever has no keys lists, sees and cancels jobs, reads no result, and starts none', async () => {
  const here = await scene(onlyOlder);
  await here.startWorker([count]);
  const job = await here.jobs.start(count, { to: 2, everyMs: 0 }, { id: 'seen' });
  await job.result();
  // The environment of the tests has other keys.
  const without = new JobClient(plainClient(here.temporal.client), here.ledger);
  expect(await without.list()).toMatchObject([{ workflowId: 'seen', name: 'count', state: 'done' }]);
  await expect(without.handle('seen').result()).rejects.toMatchObject({
    code: 'KEY_MISSING',
    message: expect.stringContaining(
      'the result of job seen cannot be read: key older is not in the keyring',
    ) as string,
  });
  await expect(without.handle('seen').status()).rejects.toMatchObject({ code: 'KEY_MISSING' });
});

test('without a word about keys no worker starts and no job is started', async () => {
  const here = await scene(undefined);
  const keys = process.env['LOCKKEEPER_KEYS'];
  delete process.env['LOCKKEEPER_KEYS'];
  try {
    const worker = createWorker({
      environment: ENVIRONMENT,
      temporal: here.temporal,
      ledger: here.ledger,
      jobs: [count],
      buildId: 'v1',
      log: quietLog,
    });
    await expect(worker).rejects.toMatchObject({
      code: 'KEYRING_MISSING',
      message: expect.stringContaining('lockkeeper keys generate --file lockkeeper.keys') as string,
    });
    const jobs = new JobClient(plainClient(here.temporal.client), here.ledger);
    await expect(jobs.start(count, { to: 1, everyMs: 0 })).rejects.toMatchObject({ code: 'KEYRING_MISSING' });
    expect(await jobs.list()).toEqual([]);
  } finally {
    process.env['LOCKKEEPER_KEYS'] = keys;
  }
});

test('the id of a job is not one of those whose payloads stay readable', async () => {
  const here = await scene(onlyOlder);
  await expect(here.jobs.start(count, { to: 1, everyMs: 0 }, { id: 'deploy-run/mine' })).rejects.toMatchObject({
    code: 'USAGE',
  });
});

test('after a rotation the same id and input is the same job, and another input is another', async () => {
  const here = await scene(onlyOlder);
  await here.startWorker([count]);
  await (await here.jobs.start(count, { to: 2, everyMs: 0 }, { id: 'same' })).result();
  const jobs = new JobClient(plainClient(here.temporal.client), here.ledger, rotated);
  expect(await (await jobs.start(count, { to: 2, everyMs: 0 }, { id: 'same' })).result()).toEqual({ counted: 2 });
  await expect(jobs.start(count, { to: 3, everyMs: 0 }, { id: 'same' })).rejects.toMatchObject({ code: 'JOB_EXISTS' });
});
