import { expect, test } from 'vitest';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { eventually } from '../support/eventually.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { ACTIONS, LONG, held, steady } from './steady.ts';
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

/** As if workers had handed it back for longer than one waits. */
const outOfPatience = (scene: Scene) =>
  scene.ledger.pool.query(`update lockkeeper._jobs set unreadable_since = now() - interval '1 hour'`);

test('a worker without the key hands a job back, and one that has it goes on: nobody is asked', async () => {
  const scene = await openScene(parseKeyring(k1, 'test'));
  await held(scene, { job: steady('quarantine') });
  const without = await scene.startWorker([steady('quarantine')], 'v2', parseKeyring(k2, 'test'));
  await expectHandedBack(scene, ['job'], /key k1 is not in the keyring, which has k2/);
  await without.stop();
  await scene.startWorker([steady('quarantine')], 'v3', parseKeyring(`${k2},${k1}`, 'test'));
  expect(await scene.jobs.handle('job').result()).toEqual({ began: 4, at: 6 });
  expect((await scene.jobs.handle('job').row())?.wentBack).toBeUndefined();
}, 60_000);

test('a key that nobody has, or a version that nobody knows: after a while the definition decides', async () => {
  const scene = await openScene(parseKeyring(k1, 'test'));
  const before = (action: (typeof ACTIONS)[number]) => steady(action, 'newer', newer);
  const sealed = Object.fromEntries(ACTIONS.map((action) => [`key ${action}`, steady(action)]));
  const versions = Object.fromEntries(ACTIONS.map((action) => [`version ${action}`, before(action)]));
  await held(scene, { ...sealed, ...versions });
  // The one of another key keeps the rows of the versions readable.
  await scene.ledger.pool.query(
    `update lockkeeper._checkpoints p set key_id = 'k9' from lockkeeper._jobs j where j.key = p.key and j.name like 'steady%' and p.seq = 4`,
  );
  await scene.startWorker(
    ACTIONS.flatMap((action) => [steady(action), steady(action, 'newer')]),
    'older',
  );
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
  const scene = await openScene();
  await held(scene, { refused: steady('quarantine'), taken: steady('quarantine', 'taken') });
  const strict = await scene.startWorker([steady('quarantine')], 'v2', parseKeyring(k1, 'test'));
  await eventually(async () => expect((await scene.jobs.handle('refused').row())?.state).toBe('quarantined'), LONG);
  expect((await scene.jobs.handle('refused').row())?.reason).toMatch(
    /checkpoint 4 is not encrypted, and there is a keyring/,
  );
  await strict.stop();
  const keys = async () =>
    (
      await scene.ledger.pool.query<{ key_id: string }>(
        `select distinct p.key_id from lockkeeper._checkpoints p join lockkeeper._jobs j on j.key = p.key where j.workflow_id = 'taken'`,
      )
    ).rows;
  expect(await keys()).toEqual([{ key_id: 'none' }]);
  await scene.startWorker([steady('quarantine', 'taken')], 'v2', parseKeyring(k1, 'test').acceptingPlaintext());
  expect(await scene.jobs.handle('taken').result()).toEqual({ began: 4, at: 6 });
  expect(await keys()).toEqual([{ key_id: 'k1' }]);
}, 60_000);
