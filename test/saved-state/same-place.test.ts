import { describe, expect, test } from 'vitest';
import { JobSeal } from '../../src/crypto/job-seal.ts';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { LOSSES_UNTIL_QUARANTINE } from '../../src/defaults.ts';
import { defineJob } from '../../src/jobs/index.ts';
import type { Job, StateSpec, Steps } from '../../src/jobs/index.ts';
import { Saver } from '../../src/jobs/saver.ts';
import { loadCheckpoint } from '../../src/ledger/checkpoints.ts';
import { endClaim } from '../../src/ledger/claims.ts';
import { readJob } from '../../src/ledger/jobs.ts';
import { claim, head, openQueue } from '../support/claiming.ts';
import { inTime } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { QUEUE, openScene } from '../support/scene.ts';
import { failureOf, runOne, startSlice } from '../jobs/slices.ts';

const ledger = await freshLedger();
const taskQueue = await openQueue(ledger);
const one = generateKey('k1');
const keyring = parseKeyring(one, 'test');
const here = { ledger, taskQueue, keyring };

interface At {
  readonly at: number;
}
type Run = (job: Job<At>) => Steps<At, unknown>;

/** Saves at each yield. */
const job = (run: Run, state: StateSpec<At> = { initial: { at: 0 } }) =>
  defineJob({ name: 'standing', taskQueue: QUEUE, checkpointEvery: 0, state, run });

/** Yields 1, as often as it is told, and fails. */
const failing = (times = 1, before: (job: Job<At>) => void = () => undefined) =>
  job(async function* (self) {
    for (let n = 0; n < times; n += 1) {
      before(self);
      yield { at: 1 };
    }
    throw new Error('it always fails here');
  });

/** Of a job that stands at checkpoint 1, place 1. */
async function atOne(): Promise<string> {
  const slice = await startSlice(failing(), here);
  await failureOf(slice);
  expect(slice.saver.seq).toBe(1);
  return slice.key;
}
/** After another slice. */
async function seqAfter(key: string, definition: ReturnType<typeof job>, more: object = {}): Promise<number> {
  await failureOf(await startSlice(definition, { ...here, key, ...more }));
  return (await head(ledger, key))!.seq;
}

describe('a place that the ledger has already', () => {
  test('is not written again, neither by the slice that wrote it nor by a later one', async () => {
    const key = await atOne();
    expect(await seqAfter(key, failing(10))).toBe(1);
  });

  test('the initial one is written the first time: other code may have another', async () => {
    const first = job(async function* () {
      yield { at: 0 };
      throw new Error('it fails');
    });
    const slice = await startSlice(first, here);
    await failureOf(slice);
    expect((await head(ledger, slice.key))?.seq).toBe(1);
  });

  test('is where the job steps aside, and goes on from', async () => {
    const key = await atOne();
    const stopping = AbortSignal.abort('a deploy');
    const again = job(async function* () {
      yield { at: 1 };
    });
    const { end, saver } = await runOne(again, { ...here, key, stopping });
    expect([end.kind, saver.seq]).toEqual(['yielded', 1]);
    const tells = job(async function* ({ state }) {
      yield state;
      return state.at;
    });
    expect((await runOne(tells, { ...here, key })).end).toEqual({ kind: 'done', result: 1 });
  });

  test('is written after another one: there and back is a way', async () => {
    const key = await atOne();
    const back = job(async function* () {
      for (const at of [1, 2, 1, 1]) yield { at };
      throw new Error('it fails');
    });
    expect(await seqAfter(key, back)).toBe(3);
  });

  test('is written after a transaction', async () => {
    const key = await atOne();
    const between = job(async function* (self) {
      yield* self.statement('select 1', [], { at: 1 });
      yield { at: 1 };
      yield { at: 1 };
      throw new Error('it fails');
    });
    expect(await seqAfter(key, between)).toBe(3);
  });

  test('is written with another progress, and not with the same, whoever has told it', async () => {
    const key = await atOne();
    const moving = failing(2, (self) => self.progress(3, 10, 'cities'));
    expect(await seqAfter(key, moving)).toBe(2);
    expect(await seqAfter(key, moving)).toBe(2);
    expect(
      await seqAfter(
        key,
        failing(1, (self) => self.progress(4, 10, 'cities')),
      ),
    ).toBe(3);
    const [{ workflow_id: id }] = (
      await ledger.pool.query<{ workflow_id: string }>('select workflow_id from lockkeeper._jobs where key = $1', [key])
    ).rows as [{ workflow_id: string }];
    expect(await readJob(ledger, id)).toMatchObject({ progress: { done: 4, total: 10 } });
  });

  test('is not written again with a progress that is no number, as of nothing done of nothing', async () => {
    const key = await atOne();
    const lost = failing(2, (self) => self.progress(0 / 0));
    expect(await seqAfter(key, lost)).toBe(2);
    expect(await seqAfter(key, lost)).toBe(2);
  });

  test('is written by another version of the state, and by another key', async () => {
    const key = await atOne();
    const again: Run = async function* () {
      yield { at: 1 };
      throw new Error('it always fails here');
    };
    const second = job(again, { initial: { at: 0 }, version: 2, migrate: { 1: (old: At) => old } });
    expect(await seqAfter(key, second)).toBe(2);
    expect(await seqAfter(key, second)).toBe(2);
    const rotated = parseKeyring(`${generateKey('k2')},${one}`, 'test');
    expect(await seqAfter(key, second, { keyring: rotated })).toBe(3);
  });

  test('is written where it is not the last one, as after a person’s choice', async () => {
    const key = await atOne();
    const two = job(async function* () {
      yield { at: 2 };
      throw new Error('it fails');
    });
    expect(await seqAfter(key, two)).toBe(2);
    await ledger.pool.query('update lockkeeper._jobs set restore_seq = 1 where key = $1', [key]);
    expect(await seqAfter(key, failing())).toBe(3);
  });
});

test('a job that yields the same place and then loses its worker, each time, is quarantined', async () => {
  const key = await atOne();
  const seal = new JobSeal(keyring, key);
  for (let n = 0; n < LOSSES_UNTIL_QUARANTINE; n += 1) {
    const claimed = await claim(ledger, { taskQueue, key, seq: 1 });
    expect(claimed.verdict).toBe('claimed');
    const saver = new Saver(ledger, claimed.fence, claimed.seq, 1, { seal });
    expect(saver.restore(failing(), await loadCheckpoint(ledger, key))).toEqual({ ok: true, state: { at: 1 } });
    await saver.save('state', { at: 1 });
    await endClaim(ledger, claimed.claim, 'lost', 'its worker is gone');
  }
  expect((await claim(ledger, { taskQueue, key, seq: 1 })).verdict).toBe('quarantined');
});

test('a job that yields the same place and then throws, each time, has used up its retry budget in the end', async () => {
  const scene = await openScene();
  let attempts = 0;
  const hopeless = defineJob({
    name: 'hopeless',
    taskQueue: QUEUE,
    checkpointEvery: 0,
    retry: { maximumAttempts: 3, initialInterval: '10ms' },
    state: { initial: { at: 0 } },
    async *run() {
      attempts += 1;
      yield { at: 1 };
      yield { at: 1 };
      throw new Error('it always fails here');
    },
  });
  await scene.startWorker([hopeless]);
  const handle = await scene.jobs.start(hopeless, undefined, { id: 'hopeless' });
  await expect(inTime(handle.result(), 20_000, 'it goes round for ever')).rejects.toThrow('Workflow execution failed');
  expect(attempts).toBe(3);
  expect(await handle.row()).toMatchObject({ state: 'failed', seq: 1, reason: 'it always fails here' });
});
