import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { defineJob } from '../../src/jobs/index.ts';
import { endForeignClaim, sessionName } from '../../src/ledger/claims.ts';
import { declareGone } from '../../src/ledger/dead-workers.ts';
import { closeFence } from '../../src/ledger/gates.ts';
import { registerWorker } from '../../src/ledger/workers.ts';
import { startSlice } from '../jobs/slices.ts';
import type { RunningSlice } from '../jobs/slices.ts';
import { claimState, openQueue } from '../support/claiming.ts';
import { eventually, inTime } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();
beforeAll(async () => {
  await ledger.pool.query('create table item (id text primary key)');
});

/** Its one statement takes longer than anybody waits. */
const slow = defineJob({
  name: 'slow',
  taskQueue: 'q',
  state: { initial: { at: 0 } },
  async *run(job, input: { id: string }) {
    yield* job.statement('insert into item (id) select $1 from pg_sleep(60)', [input.id], { at: 1 });
  },
});

const items = async (id: string) => (await ledger.pool.query('select from item where id = $1', [id])).rowCount;

/** A slice in the middle of its statement. */
async function inStatement(taskQueue: string): Promise<RunningSlice & { id: string }> {
  const id = randomUUID();
  const slice = await startSlice(slow, { ledger, taskQueue, input: { id } });
  await eventually(async () => {
    const { rows } = await ledger.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
    );
    expect(rows.length).toBeGreaterThan(0);
  });
  return { ...slice, id };
}

test('a statement that is still at work when its claim is given up: it is ended, and its effect undone', async () => {
  const taskQueue = await openQueue(ledger);
  const slice = await inStatement(taskQueue);
  await closeFence(ledger, taskQueue, { deploy: 'v1', token: 1 }, undefined);
  const end = await inTime(endForeignClaim(ledger, slice.claim, 'fenced', 'given up'), 5_000, 'the claim did not end');
  expect(end).toMatchObject({ ended: true, drained: { taskQueue } });
  expect(await slice.ended).toEqual({ kind: 'fenced' });
  expect(await items(slice.id)).toBe(0);
});

test('a statement that the server still works on for a dead worker does not keep the others waiting', async () => {
  const taskQueue = await openQueue(ledger);
  const slice = await inStatement(taskQueue);
  const worker = randomUUID();
  await registerWorker(ledger, { id: worker, kind: 'worker', buildId: 'b', taskQueues: ['q'], host: 'h', pid: 1 });
  await ledger.pool.query('update lockkeeper._claims set worker = $1 where claim = $2', [worker, slice.claim]);
  const watch = await ledger.pool.connect();
  try {
    await watch.query(`set lock_timeout = '1s'`);
    expect(await declareGone(watch, worker, 'gone')).toMatchObject({ slices: 1 });
  } finally {
    watch.release(true);
  }
  expect(await claimState(ledger, slice.claim)).toBe('lost');
  expect(await slice.ended).toEqual({ kind: 'fenced' });
  expect(await items(slice.id)).toBe(0);
});

test('after its statement a connection has its own name again', async () => {
  const taskQueue = await openQueue(ledger);
  const quick = defineJob({
    name: 'quick',
    taskQueue: 'q',
    state: { initial: { at: 0 } },
    async *run(job) {
      yield* job.statement('insert into item (id) values ($1)', [randomUUID()], { at: 1 });
    },
  });
  const { claim, ended } = await startSlice(quick, { ledger, taskQueue });
  expect(await ended).toMatchObject({ kind: 'done' });
  const { rows } = await ledger.pool.query('select from pg_stat_activity where application_name = $1', [
    sessionName(claim),
  ]);
  expect(rows).toEqual([]);
});
