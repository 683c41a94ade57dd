import { expect, test } from 'vitest';
import { createWorker } from '../../src/workers/worker.ts';
import { openLedger } from '../../src/ledger/pool.ts';
import { EFFECT_TABLE, slow } from '../app/count-job.ts';
import { eventually } from '../support/eventually.ts';
import { quietLog } from '../support/quiet-log.ts';
import { ENVIRONMENT, openScene } from '../support/scene.ts';

test('more slow transactions than connections wait their turn: nobody takes that for a ledger that is away', async () => {
  const scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  const ledger = openLedger({ ...scene.ledger, applicationName: 'busy', log: quietLog, maxConnections: 5 });
  const worker = await createWorker({
    environment: ENVIRONMENT,
    temporal: scene.temporal,
    ledger,
    jobs: [slow],
    buildId: 'v1',
    log: quietLog,
  });
  const ran = worker.run();
  // 8 s of work for the two connections that transactions get here.
  const ids = Array.from({ length: 16 }, (_, i) => `slow-${i}`);
  await Promise.all(ids.map((id) => scene.jobs.start(slow, { seconds: 1 }, { id })));
  await eventually(() => expect(ledger.transactions.pendingCount).toBeGreaterThan(5), { within: 30_000 });
  // Most of them wait: claims and checkpoints of others still find a connection at once.
  for (let look = 0; look < 10; look += 1) {
    expect(ledger.pool.waitingCount).toBe(0);
    await ledger.pool.query('select pg_sleep(0.05)');
  }
  await Promise.all(ids.map((id) => scene.jobs.handle(id).result()));
  for (const id of ids) {
    expect(await scene.costOf(id)).toEqual({ attempts: 0, failures: 0 });
    expect(await scene.jobs.handle(id).row()).toMatchObject({ state: 'done', interruptions: 0 });
  }
  const { rows } = await scene.ledger.pool.query(
    'select count(*)::int as all, count(distinct job)::int as jobs from effect',
  );
  expect(rows).toEqual([{ all: 16, jobs: 16 }]);
  worker.shutdown('the test ended');
  await ran;
  await ledger.close();
}, 90_000);
