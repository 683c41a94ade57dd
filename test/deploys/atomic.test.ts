import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineJob } from '../../src/jobs/index.ts';
import { createWorker } from '../../src/workers/worker.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { LedgerProxy } from '../support/ledger-proxy.ts';
import { quietLog } from '../support/quiet-log.ts';
import { ENVIRONMENT, QUEUE, command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

/** An atomic job that tells when it begins. */
function atomicJob(ms: number, maxDuration: '1s' | '1m') {
  const begun: number[] = [];
  const job = defineJob({
    name: 'atomic',
    taskQueue: QUEUE,
    atomic: { maxDuration },
    async *run() {
      begun.push(Date.now());
      await delay(ms);
      yield undefined;
    },
  });
  return { job, begun };
}

const inQuarantine = (scene: Scene) =>
  eventually(async () => expect(await scene.jobs.handle('job').row()).toMatchObject({ state: 'quarantined' }), {
    within: 20_000,
  });

test('an atomic job that a drain gives up after its longest duration is not begun again by itself', async () => {
  const scene = await openScene();
  const { job, begun } = atomicJob(6_000, '1s');
  await scene.startWorker([job]);
  await scene.startDeployWorker();
  await scene.jobs.start(job, undefined, { id: 'job' });
  await eventually(() => expect(begun).toHaveLength(1));
  scene.planOf([command('one', 'true')], { drain: { deadlineMs: 500, onTimeout: 'abandon', waitMs: 0 } });
  expect(await scene.deploy('impatient')).toMatchObject({ outcome: 'succeeded' });
  await inQuarantine(scene);
  expect(begun).toHaveLength(1);
}, 90_000);

test('an atomic job that cannot save its end, because the ledger is away, is not begun again by itself', async () => {
  const scene = await openScene();
  const { job, begun } = atomicJob(1_000, '1m');
  const proxy = await LedgerProxy.start(scene.ledger.databaseUrl);
  const ledger = await freshLedger({ databaseUrl: proxy.databaseUrl, namespace: scene.temporal.namespace });
  const worker = await createWorker({
    environment: ENVIRONMENT,
    temporal: scene.temporal,
    ledger,
    jobs: [job],
    buildId: 'v1',
    log: quietLog,
  });
  const ran = worker.run();
  atEnd(async () => {
    worker.shutdown('the test ended');
    await ran;
  });
  await scene.jobs.start(job, undefined, { id: 'job' });
  await eventually(() => expect(begun).toHaveLength(1));
  proxy.goAway();
  // Longer than a slice waits for it.
  await eventually(async () => expect((await scene.jobs.handle('job').status()).interruptions).toBeGreaterThan(0), {
    within: 50_000,
    every: 200,
  });
  proxy.comeBack();
  await inQuarantine(scene);
  expect(begun).toHaveLength(1);
}, 120_000);
