import { expect, test } from 'vitest';
import { JobSeal } from '../../src/crypto/job-seal.ts';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { loadCheckpoint } from '../../src/ledger/checkpoints.ts';
import { eventually } from '../support/eventually.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { ACTIONS, LONG, held, keyOf, steady } from './steady.ts';
import type { At } from './steady.ts';

const [k1, k2] = [generateKey('k1'), generateKey('k2')];
const initial: At = { at: 0 };
const newer = { version: 2, initial };

/** Handed back to a worker that can read it, for as long as there may be one. */
async function expectHandedBack(scene: Scene, ids: readonly string[], reason: RegExp): Promise<void> {
  for (const id of ids) {
    await eventually(async () => expect((await scene.jobs.handle(id).row())?.reason).toMatch(reason), LONG);
    expect(await scene.jobs.handle(id).row()).toMatchObject({ state: 'interrupted', seq: 4 });
    await eventually(async () => expect((await scene.jobs.handle(id).status()).reason).toMatch(reason), LONG);
  }
}

const holdBack = ({ ledger }: Scene) =>
  ledger.pool.query(`update lockkeeper._gates set state = 'closed', owner_deploy = 'test', owner_token = 1`);
const letGo = ({ ledger }: Scene) =>
  ledger.pool.query(`update lockkeeper._gates set state = 'open', owner_deploy = null, owner_token = null`);

/** As if workers had handed it back for longer than one waits. */
const outOfPatience = (scene: Scene) =>
  scene.ledger.pool.query(`update lockkeeper._jobs set unreadable_since = now() - interval '1 hour'`);

/** Encrypts the last checkpoint anew: what goes through Temporal stays readable by k1. */
async function sealLastBy(scene: Scene, id: string, keys: string): Promise<void> {
  const key = await keyOf(scene, id);
  const row = await loadCheckpoint(scene.ledger, key);
  if (row === undefined || row === 'missing') throw new Error('there is no checkpoint');
  const [before, after] = [k1, keys].map((ring) => new JobSeal(parseKeyring(ring, 'test'), key));
  const { keyId, nonce, ciphertext } = after!.seal(before!.open(row, row), row);
  await scene.ledger.pool.query(
    'update lockkeeper._checkpoints set key_id = $3, nonce = $4, ciphertext = $5 where key = $1 and seq = $2',
    [key, row.seq, keyId, nonce, ciphertext],
  );
}

test('a worker without the key hands a job back, and one that has it goes on: nobody is asked', async () => {
  const scene = await openScene(parseKeyring(k1, 'test'));
  await held(scene, { job: steady('quarantine') });
  // A worker that lacks the key of an open job does not start: it turns up while this one runs.
  await holdBack(scene);
  const without = await scene.startWorker([steady('quarantine')], 'v2');
  await sealLastBy(scene, 'job', k2);
  await letGo(scene);
  await expectHandedBack(scene, ['job'], /key k2 is not in the keyring, which has k1/);
  await without.stop();
  await scene.startWorker([steady('quarantine')], 'v3', parseKeyring(`${k1},${k2}`, 'test'));
  expect(await scene.jobs.handle('job').result()).toEqual({ began: 4, at: 6 });
  expect((await scene.jobs.handle('job').row())?.wentBack).toBeUndefined();
}, 60_000);

test('a key that nobody has, or a version that nobody knows: after a while the definition decides', async () => {
  const scene = await openScene(parseKeyring(k1, 'test'));
  const before = (action: (typeof ACTIONS)[number]) => steady(action, 'newer', newer);
  const sealed = Object.fromEntries(ACTIONS.map((action) => [`key ${action}`, steady(action)]));
  const versions = Object.fromEntries(ACTIONS.map((action) => [`version ${action}`, before(action)]));
  await held(scene, { ...sealed, ...versions });
  await holdBack(scene);
  await scene.startWorker(
    ACTIONS.flatMap((action) => [steady(action), steady(action, 'newer')]),
    'older',
  );
  await scene.ledger.pool.query(
    `update lockkeeper._checkpoints p set key_id = 'k9' from lockkeeper._jobs j where j.key = p.key and j.name like 'steady%' and p.seq = 4`,
  );
  await letGo(scene);
  await expectHandedBack(scene, Object.keys(sealed), /key k9 is not in the keyring, which has k1/);
  await expectHandedBack(
    scene,
    Object.keys(versions),
    /checkpoint 4 has state version 2, this code knows 1: a newer worker wrote it, of build before/,
  );
  await outOfPatience(scene);
  const row = (id: string) => scene.jobs.handle(id).row();
  for (const id of ['key quarantine', 'version quarantine', 'version previous'])
    await eventually(async () => expect((await row(id))?.state).toBe('quarantined'), LONG);
  expect((await row('version previous'))?.reason).toMatch(/^none of the ones before can be restored; /);
  expect(await scene.jobs.handle('key previous').result()).toEqual({ began: 3, at: 6 });
  for (const id of ['key restart', 'version restart'])
    expect(await scene.jobs.handle(id).result()).toEqual({ began: 0, at: 6 });
}, 90_000);

test('with a keyring plain rows are refused, unless the keyring is told to take them for a while', async () => {
  const scene = await openScene('plaintext');
  await held(scene, { taken: steady('quarantine', 'taken') });
  await expect(scene.startWorker([steady('quarantine')], 'v2', parseKeyring(k1, 'test'))).rejects.toMatchObject({
    code: 'PLAINTEXT_REFUSED',
  });
  const keys = async () =>
    (
      await scene.ledger.pool.query<{ key_id: string }>(
        `select distinct p.key_id from lockkeeper._checkpoints p join lockkeeper._jobs j on j.key = p.key where j.workflow_id = 'taken'`,
      )
    ).rows;
  expect(await keys()).toEqual([{ key_id: 'none' }]);
  await scene.startWorker([steady('quarantine', 'taken')], 'v2', parseKeyring(k1, 'test').acceptingPlaintext());
  await eventually(async () => expect(await keys()).toEqual([{ key_id: 'k1' }]), LONG);
  await eventually(async () => expect((await scene.jobs.handle('taken').row())?.state).toBe('done'), LONG);
}, 60_000);
