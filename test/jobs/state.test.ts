import { describe, expect, test } from 'vitest';
import { defineJob } from '../../src/jobs/index.ts';
import type { StateSpec } from '../../src/jobs/index.ts';
import { spoken } from '../../src/jobs/reason.ts';
import { restoreState } from '../../src/jobs/state.ts';
import { openQueue } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { runOne, savedIn } from './slices.ts';

interface State {
  readonly row: number;
}
const jobWith = (state: StateSpec<State>) =>
  defineJob({
    name: 'versions',
    taskQueue: 'q',
    state,
    async *run(job) {
      yield job.state;
      return job.state.row;
    },
  });
const checkpoint = (stateVersion: number, value: unknown) => ({
  seq: 7,
  kind: 'state' as const,
  stateVersion,
  buildId: 'v2',
  value,
});
const initial: State = { row: 0 };
const parse = (value: unknown): State => {
  if (typeof (value as State).row !== 'number') throw new Error('row is not a number');
  return { row: (value as State).row };
};
/** Version 1: `[row]`; version 2: `{ at: row }`; version 3: a `State`. */
const migrate = { 1: ([at]: [number]) => ({ at }), 2: ({ at }: { at: number }) => ({ row: at }) };

describe('a slice begins with', () => {
  test.each<[what: string, spec: StateSpec<State>, from: Parameters<typeof restoreState>[1], state: unknown]>([
    ['the initial state when nothing was saved', { initial }, undefined, { row: 0 }],
    ['the saved state of this version', { initial }, checkpoint(1, { row: 5 }), { row: 5 }],
    ['the saved state, parsed', { initial, parse }, checkpoint(1, { row: 5, old: true }), { row: 5 }],
    ['a state of one version before, migrated', { version: 3, initial, migrate }, checkpoint(2, { at: 5 }), { row: 5 }],
    [
      'a state of two versions before, migrated twice and parsed',
      { version: 3, initial, migrate, parse },
      checkpoint(1, [5]),
      { row: 5 },
    ],
    ['a state of this version, not migrated', { version: 3, initial, migrate }, checkpoint(3, { row: 5 }), { row: 5 }],
  ])('%s', (_, spec, from, state) => {
    expect(restoreState(jobWith(spec), from)).toEqual({ ok: true, state });
  });

  test('nothing when the job is stateless', () => {
    const stateless = defineJob({
      name: 'stateless',
      taskQueue: 'q',
      async *run() {
        yield undefined;
      },
    });
    expect(restoreState(stateless, checkpoint(1, { row: 5 }))).toEqual({ ok: true, state: undefined });
  });

  test('a copy of the initial state, which stays as it was defined', () => {
    const list = defineJob({
      name: 'list',
      taskQueue: 'q',
      state: { initial: { rows: [] as number[] } },
      async *run(job) {
        yield job.state;
      },
    });
    const restored = restoreState(list, undefined);
    if (restored.ok) (restored.state as { rows: number[] }).rows.push(1);
    expect(restoreState(list, undefined)).toEqual({ ok: true, state: { rows: [] } });
  });
});

describe('refused, with the reason, is', () => {
  const fails = {
    1: () => {
      throw new Error('the old state has no file');
    },
  };
  test.each<[what: string, spec: StateSpec<State>, from: Parameters<typeof restoreState>[1], reason: string | RegExp]>([
    ['a checkpoint that is not there', { initial }, 'missing', 'the last checkpoint is not in the ledger'],
    [
      'a state of a newer worker',
      { version: 2, initial },
      checkpoint(3, {}),
      'checkpoint 7 has state version 3, this code knows 2: a newer worker wrote it',
    ],
    [
      'a version nobody can migrate',
      { version: 3, initial, migrate: { 2: migrate[2] } },
      checkpoint(1, [5]),
      'checkpoint 7 has state version 1 and cannot be migrated: the job has no migrate[1]',
    ],
    [
      'a state that fails to migrate',
      { version: 2, initial, migrate: fails },
      checkpoint(1, {}),
      /checkpoint 7 .*the old state has no file/,
    ],
    [
      'a state that does not parse',
      { initial, parse },
      checkpoint(1, { row: '5' }),
      'checkpoint 7 does not parse: row is not a number',
    ],
    [
      'null where the parser expects an object',
      { initial, parse },
      checkpoint(1, null),
      /checkpoint 7 does not parse: /,
    ],
  ])('%s', (_, spec, from, reason) => {
    const restored = restoreState(jobWith(spec), from);
    expect(restored.ok).toBe(false);
    expect(restored.ok ? '' : spoken(restored.reason)).toMatch(reason);
  });
});

test('a job goes on under new code from what the old code saved, and saves the new version', async () => {
  const ledger = await freshLedger();
  const taskQueue = await openQueue(ledger);
  const v1 = defineJob({
    name: 'versions',
    taskQueue: 'q',
    state: { initial: { at: 0 } },
    async *run() {
      yield { at: 5 };
    },
  });
  const v2 = jobWith({ version: 2, initial, migrate: { 1: migrate[2] } });
  const stopping = AbortSignal.abort('a deploy');
  const { key } = await runOne(v1, { ledger, taskQueue, stopping });
  await runOne(v2, { ledger, taskQueue, key, stopping });
  expect(await savedIn(ledger, key)).toEqual({ seq: 2, kind: 'state', value: { row: 5 } });
  expect((await runOne(v2, { ledger, taskQueue, key })).end).toEqual({ kind: 'done', result: 5 });
  await expect(runOne(v1, { ledger, taskQueue, key })).rejects.toThrow('not claimed: ended done');
});
