import { beforeAll, describe, expect, test } from 'vitest';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import type { OnUnrestorable } from '../../src/jobs/define-job.ts';
import type { StateSpec } from '../../src/jobs/index.ts';
import { eventually } from '../support/eventually.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { ACTIONS, LONG, held, keyOf, steady } from './steady.ts';
import type { At } from './steady.ts';

const initial = { at: 0 };
const notFour = ({ at }: At): At => {
  if (at === 4) throw new Error(`no file for ${at}`);
  return { at };
};

interface Cause {
  /** The code that goes on; the one that saved is of version 1 unless `before` says otherwise. */
  readonly after?: StateSpec<At>;
  readonly before?: StateSpec<At>;
  /** What happens to the ledger in between; `$1` is the job. */
  readonly sql?: readonly string[];
  readonly says: RegExp;
  /** What `previous` comes to: where the job goes on, or that none can be restored. */
  readonly previous: number | 'none';
}

const CAUSES: Readonly<Record<string, Cause>> = {
  'a state of an older version, and no migrate for it': {
    after: { version: 2, initial },
    says: /^.*checkpoint 4 has state version 1 and cannot be migrated: the job has no migrate\[1\]$/,
    previous: 'none',
  },
  'a migrate that throws': {
    after: { version: 2, initial, migrate: { 1: notFour } },
    says: /checkpoint 4 could not be migrated, migrate\[1\] threw: no file for 4$/,
    previous: 3,
  },
  'a state that does not parse': {
    after: { initial, parse: (value) => notFour(value as At) },
    says: /checkpoint 4 does not parse: no file for 4$/,
    previous: 3,
  },
  'the last two gone': {
    sql: ['delete from lockkeeper._checkpoints where key = $1 and seq > 2'],
    says: /the last checkpoint is not in the ledger$/,
    previous: 2,
  },
  'all of them gone': {
    sql: ['delete from lockkeeper._checkpoints where key = $1'],
    says: /the last checkpoint is not in the ledger$/,
    previous: 'none',
  },
};
const idOf = (cause: string, action: string) => `${action}: ${cause}`;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene(parseKeyring(generateKey('k1'), 'test'));
  const cases = Object.entries(CAUSES).flatMap(([cause, { before, after, sql = [] }], n) =>
    ACTIONS.map((action) => ({
      id: idOf(cause, action),
      before: steady(action, `cause-${n}`, before),
      after: steady(action, `cause-${n}`, after ?? before),
      sql,
    })),
  );
  await held(scene, Object.fromEntries(cases.map(({ id, before }) => [id, before])));
  for (const { id, sql } of cases) {
    const key = await keyOf(scene, id);
    for (const one of sql) await scene.ledger.pool.query(one, [key]);
  }
  await scene.startWorker(
    cases.map((one) => one.after),
    'after',
  );
}, 60_000);

describe.each(Object.entries(CAUSES))('%s', (cause, { says, previous }) => {
  const expectQuarantined = async (action: OnUnrestorable, reason: RegExp) => {
    const job = scene.jobs.handle(idOf(cause, action));
    await eventually(async () => expect(await job.row()).toMatchObject({ state: 'quarantined' }), LONG);
    expect((await job.row())?.reason).toMatch(reason);
  };

  test('quarantine: a person decides', () => expectQuarantined('quarantine', says));

  test(
    previous === 'none'
      ? 'previous: there is none, a person decides'
      : 'previous: from the newest that can be restored',
    async () => {
      if (previous === 'none') return expectQuarantined('previous', /^none of the ones before can be restored; /);
      const job = scene.jobs.handle(idOf(cause, 'previous'));
      expect(await job.result()).toEqual({ began: previous, at: 6 });
      expect((await job.row())?.wentBack).toMatch(says);
      expect((await job.row())?.wentBack).toMatch(new RegExp(`^it went on from checkpoint ${previous}; `));
    },
  );

  test('restart: from the initial state', async () => {
    const job = scene.jobs.handle(idOf(cause, 'restart'));
    expect(await job.result()).toEqual({ began: 0, at: 6 });
    expect((await job.row())?.wentBack).toMatch(says);
  });
});
