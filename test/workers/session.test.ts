import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { declareGone, missingWorkers } from '../../src/ledger/dead-workers.ts';
import { registerWorker, workerSessionName } from '../../src/ledger/workers.ts';
import { WorkerSession } from '../../src/workers/worker-session.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually, inTime } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { quietLog } from '../support/quiet-log.ts';

const ledger = await freshLedger();
const missing = async () => (await missingWorkers(ledger.pool)).map((worker) => worker.id);
const endSession = (id: string) =>
  ledger.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
    workerSessionName(id),
  ]);

/** A worker's session; `meanwhile` is awaited each time between its record and its lock. */
function sessionOf(meanwhile: (id: string) => Promise<unknown> = () => Promise.resolve()) {
  const id = randomUUID();
  const record = { id, kind: 'worker', buildId: 'b', taskQueues: ['q'], host: 'h', pid: 1 } as const;
  const session = new WorkerSession({
    databaseUrl: ledger.databaseUrl,
    workerId: id,
    log: quietLog,
    register: async () => {
      const lock = await registerWorker(ledger, record);
      await meanwhile(id);
      return lock;
    },
    onNews: () => undefined,
  });
  return { id, session };
}

test('a session that is closed while it is being made anew ends', async () => {
  const again = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  let connections = 0;
  const { id, session } = sessionOf(async () => {
    connections += 1;
    if (connections === 1) return;
    reached.resolve();
    await again.promise;
  });
  await session.open();
  await endSession(id);
  await reached.promise;
  const closed = session.close();
  again.resolve();
  await inTime(closed, 5_000, 'it did not close');
  await eventually(async () => expect(await missing()).toContain(id));
});

test('a worker that was taken for dead between its record and its lock counts as alive, and is missed when it dies', async () => {
  const { id, session } = sessionOf((worker) => declareGone(ledger.pool, worker, 'it was slow'));
  await session.open();
  expect(await missing()).not.toContain(id);
  await session.close();
  await eventually(async () => expect(await missing()).toContain(id));
});

test('timeouts that a database sets for its sessions do not end a worker’s', async () => {
  const { rows } = await ledger.pool.query<{ name: string }>('select quote_ident(current_database()) as name');
  const set = (what: string) => ledger.pool.query(`alter database ${rows[0]!.name} ${what}`);
  atEnd(async () => void (await set('reset all')));
  for (const timeout of ['idle_session_timeout', 'statement_timeout', 'lock_timeout'])
    await set(`set ${timeout} = '300ms'`);
  const { id, session } = sessionOf();
  await session.open();
  const pid = async () =>
    (
      await ledger.pool.query<{ pid: number }>('select pid from pg_stat_activity where application_name = $1', [
        workerSessionName(id),
      ])
    ).rows;
  const before = await pid();
  await delay(1_000);
  expect(before).toHaveLength(1);
  expect(await pid()).toEqual(before);
  await session.close();
});
