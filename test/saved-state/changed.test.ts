import { beforeAll, describe, expect, test } from 'vitest';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { eventually } from '../support/eventually.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { ACTIONS, END, HELD_AT, LONG, held, keyOf, steady } from './steady.ts';
import { TAMPERINGS } from './tampering.ts';

const keyring = parseKeyring(`${generateKey('k1')},${generateKey('k2')}`, 'test');
const idOf = (row: 'state' | 'result', what: string, action: string) => `${row}, ${action}: ${what}`;
const CASES = Object.keys(TAMPERINGS).flatMap((what) => ACTIONS.map((action) => ({ what, action })));

let scene: Scene;
beforeAll(async () => {
  scene = await openScene(keyring);
  const states = Object.fromEntries(CASES.map(({ what, action }) => [idOf('state', what, action), steady(action)]));
  await held(scene, { ...states, untouched: steady('quarantine') });
  await tamper('state', HELD_AT);
  await scene.startWorker(ACTIONS.map((action) => steady(action)));

  const results = CASES.map(({ what, action }) => ({ id: idOf('result', what, action), job: steady(action) }));
  for (const { id, job } of results) await scene.jobs.start(job, { hold: false }, { id });
  for (const { id } of results) await scene.jobs.handle(id).result();
  expect(await scene.jobs.handle('untouched').result()).toEqual({ began: 4, at: 6 });
  await tamper('result', END + 1);
  // It asks the ledger again for what it has.
  for (const id of [...results.map((one) => one.id), 'untouched']) await scene.reset(id);
}, 60_000);

async function tamper(row: 'state' | 'result', seq: number): Promise<void> {
  const otherKey = await keyOf(scene, 'untouched');
  for (const { what, action } of CASES) {
    const key = await keyOf(scene, idOf(row, what, action));
    await TAMPERINGS[what]!.act(scene.ledger, { key, seq, otherKey });
  }
}

test('what nobody touched is gone on from, and given again', async () => {
  expect(await scene.jobs.handle('untouched').result()).toEqual({ began: 4, at: 6 });
});

describe.each([
  { row: 'state' as const, previous: { began: 3, at: 6 }, before: 3 },
  { row: 'result' as const, previous: { began: 6, at: 6 }, before: 6 },
])('a saved $row changed or moved is refused', ({ row, previous, before }) => {
  describe.each(Object.entries(TAMPERINGS))('%s', (what, { says }) => {
    test('quarantine: the job waits for a person, and says why', async () => {
      const job = scene.jobs.handle(idOf(row, what, 'quarantine'));
      await eventually(async () => expect(await job.row()).toMatchObject({ state: 'quarantined' }), LONG);
      expect((await job.row())?.reason).toMatch(says);
      await eventually(async () => expect((await job.status()).phase).toBe('quarantined'), LONG);
      expect((await job.status()).reason).toMatch(says);
    });

    test('previous: it goes on from the one before, and says so', async () => {
      const job = scene.jobs.handle(idOf(row, what, 'previous'));
      expect(await job.result()).toEqual(previous);
      expect((await job.row())?.wentBack).toMatch(new RegExp(`^it went on from checkpoint ${before}; `));
      expect((await job.row())?.wentBack).toMatch(says);
      expect((await job.status()).wentBack).toMatch(says);
    });

    test('restart: it begins again, and says so', async () => {
      const job = scene.jobs.handle(idOf(row, what, 'restart'));
      expect(await job.result()).toEqual({ began: 0, at: 6 });
      expect((await job.row())?.wentBack).toMatch(/^it began again; /);
      expect((await job.row())?.wentBack).toMatch(says);
    });
  });
});
