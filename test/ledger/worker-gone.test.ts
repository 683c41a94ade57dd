import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { endClaim } from '../../src/ledger/claims.ts';
import { declareGone, missingWorkers, owedClaims } from '../../src/ledger/dead-workers.ts';
import { closeFence } from '../../src/ledger/gates.ts';
import { WORKER_LOCK_CLASS, markWorker, registerWorker } from '../../src/ledger/workers.ts';
import { begin, claim, claimState, head, openQueue, save } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();

/** A worker in the record, without a connection of its own. */
async function register(): Promise<{ id: string; lock: string }> {
  const id = randomUUID();
  const lock = await registerWorker(ledger, {
    id,
    kind: 'worker',
    buildId: 'b',
    taskQueues: ['q'],
    host: 'h',
    pid: 1,
  });
  return { id, lock };
}
const gone = (id: string) => declareGone(ledger.pool, id, 'gone');
const missing = async () => (await missingWorkers(ledger.pool)).map((worker) => worker.id);
const owed = async () => (await owedClaims(ledger.pool, ledger.namespace)).map((one) => one.claim);

test('a worker that holds its session lock is not missing, and is not declared gone', async () => {
  const { id, lock } = await register();
  expect(await missing()).toContain(id);
  const session = await begin(ledger);
  await session.query('select pg_advisory_xact_lock($1, $2)', [WORKER_LOCK_CLASS, lock]);
  const taskQueue = await openQueue(ledger);
  const claimed = await claim(ledger, { taskQueue, worker: id });
  expect(await missing()).not.toContain(id);
  expect(await gone(id)).toBeUndefined();
  expect(await claimState(ledger, claimed.claim)).toBe('running');
});

test('everything it held is lost, once, and the server is owed word of it; what it saved stays', async () => {
  const { id } = await register();
  const taskQueue = await openQueue(ledger);
  const [one, two] = [await claim(ledger, { taskQueue, worker: id }), await claim(ledger, { taskQueue, worker: id })];
  const other = await claim(ledger, { taskQueue });
  expect(await save(ledger.pool, one.fence, 1)).toBe(true);
  expect(await gone(id)).toEqual({ slices: 2, drained: [] });
  expect(await gone(id)).toBeUndefined();
  expect([await claimState(ledger, one.claim), await claimState(ledger, two.claim)]).toEqual(['lost', 'lost']);
  expect(await claimState(ledger, other.claim)).toBe('running');
  expect((await owed()).sort()).toEqual([one.claim, two.claim].sort());
  expect(await save(ledger.pool, one.fence, 2)).toBe(false);
  expect(await head(ledger, one.fence.key)).toMatchObject({ seq: 1, claim: null });
  expect(await missing()).not.toContain(id);
});

test('its last claim on a closed queue: the queue is drained, and the one who declared it gone is told', async () => {
  const { id } = await register();
  const taskQueue = await openQueue(ledger);
  await claim(ledger, { taskQueue, worker: id });
  const generation = await closeFence(ledger, taskQueue, { deploy: 'd', token: 1 }, undefined);
  expect(await gone(id)).toEqual({
    slices: 1,
    drained: [{ environment: 'production', deploy: 'd', generation, taskQueue }],
  });
});

test('a claim it released in its last minute is owed as well, one from before is not', async () => {
  const { id } = await register();
  const taskQueue = await openQueue(ledger);
  const [late, early] = [
    await claim(ledger, { taskQueue, worker: id }),
    await claim(ledger, { taskQueue, worker: id }),
  ];
  for (const one of [late, early]) await endClaim(ledger, one.claim, 'released', 'stepped aside');
  await ledger.pool.query(`update lockkeeper._claims set ended_at = now() - interval '2 minutes' where claim = $1`, [
    early.claim,
  ]);
  expect(await gone(id)).toEqual({ slices: 0, drained: [] });
  expect(await owed()).toContain(late.claim);
  expect(await owed()).not.toContain(early.claim);
});

test('a fenced claim of it is lost too: nothing of it can still be at work', async () => {
  const { id } = await register();
  const taskQueue = await openQueue(ledger);
  const claimed = await claim(ledger, { taskQueue, worker: id });
  await endClaim(ledger, claimed.claim, 'fenced', 'superseded');
  await gone(id);
  expect(await claimState(ledger, claimed.claim)).toBe('lost');
});

test('a worker that said that it stopped is not missing', async () => {
  const { id } = await register();
  await markWorker(ledger, id, 'stopped');
  expect(await missing()).not.toContain(id);
  expect(await gone(id)).toBeUndefined();
});

test('a worker that said that it stopped, and left a slice at work behind, is missing all the same', async () => {
  const { id } = await register();
  const claimed = await claim(ledger, { taskQueue: await openQueue(ledger), worker: id });
  await markWorker(ledger, id, 'stopped');
  expect(await missing()).toContain(id);
  expect(await gone(id)).toMatchObject({ slices: 1 });
  expect(await claimState(ledger, claimed.claim)).toBe('lost');
  expect(await missing()).not.toContain(id);
});
