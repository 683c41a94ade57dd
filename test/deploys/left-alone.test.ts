import { beforeAll, expect, test } from 'vitest';
import { EFFECT_TABLE, count } from '../app/count-job.ts';
import { eventually } from '../support/eventually.ts';
import { ENVIRONMENT, external, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { defineJob } from '../../src/index.ts';
import { readEvents } from '../../src/ledger/event-log.ts';
import { readGates } from '../../src/ledger/gates.ts';
import { deployRunId } from '../../src/protocol.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  await scene.startDeployWorker();
});

test('a wrapper that leaves during the drain takes its deploy with it: nobody else could do its step', async () => {
  // It does not yield for as long as the drain takes.
  const deaf = defineJob({
    name: 'deaf',
    taskQueue: 'numbers',
    async *run(job) {
      while (!job.cancellationSignal.aborted) await new Promise((resolve) => setImmediate(resolve));
      yield undefined;
    },
  });
  await scene.startWorker([deaf]);
  const job = await scene.jobs.start(deaf, undefined, { id: 'deaf' });
  await eventually(async () => expect((await job.row())?.state).toBe('running'));
  scene.planOf([external()]);
  const stop = new AbortController();
  const end = await scene.deploy('left', {
    command: ['true'],
    signal: stop.signal,
    on: (status) => void (status.phase.startsWith('draining') && stop.abort()),
  });
  expect(end).toMatchObject({ kind: 'interrupted', reason: expect.stringContaining('is aborted') as string });
  await job.cancel();
  await eventually(
    async () => {
      const { rows } = await scene.ledger.pool.query(`select outcome from lockkeeper.deploys where id = 'left'`);
      expect(rows).toEqual([{ outcome: 'aborted' }]);
    },
    { within: 30_000 },
  );
  await scene.expectOpen();
}, 90_000);

test('nobody gives a sign of life: the deploy ends without having closed anything, whatever is at work goes on', async () => {
  await scene.startWorker([count]);
  await scene.jobs.start(count, { to: 100_000, everyMs: 5 }, { id: 'undisturbed' });
  await eventually(async () => expect((await scene.jobs.handle('undisturbed').row())?.seq).toBeGreaterThan(3));
  scene.planOf([external({ claimWithinMs: 2_000 })]);
  expect(await scene.deploy('unclaimed', { claims: false })).toEqual({
    kind: 'ended',
    outcome: 'failed',
    reason: 'no sign of life within 2 s from the `deploy run` that is to do step 1, ci: no gate was closed',
  });
  const events = await readEvents(scene.ledger, ENVIRONMENT, 'unclaimed');
  expect(events.map(({ event }) => event)).toEqual(['requested', 'inOrder', 'lockGranted', 'finished']);
  expect((await scene.jobs.handle('undisturbed').row())?.interruptions).toBe(0);
  expect(await scene.steps('unclaimed')).toEqual(['ci pending']);
  await scene.record('deploy-run-unclaimed', deployRunId(ENVIRONMENT));
  await scene.jobs.handle('undisturbed').cancel();
}, 60_000);

test('a sign of life for another deploy, or without a nonce, is refused', async () => {
  scene.planOf([external()]);
  const end = scene.deploy('claimed', { claims: false });
  await eventually(async () => {
    const where = await scene.deploys.find('claimed');
    expect(where).toMatchObject({ at: 'running', status: { unclaimed: { until: expect.any(Number) as number } } });
  });
  const { deploys } = scene;
  await expect(deploys.claimTurn({ deploy: 'another', nonce: 'n' })).rejects.toMatchObject({
    code: 'DEPLOY_NOT_CURRENT',
  });
  await expect(deploys.claimTurn({ deploy: 'claimed', nonce: '' })).rejects.toMatchObject({ code: 'USAGE' });
  await deploys.operate({ deploy: 'claimed', action: 'abort', reason: 'r', by: 'ann' });
  expect(await end).toMatchObject({ outcome: 'aborted' });
  const events = await readEvents(scene.ledger, ENVIRONMENT, 'claimed');
  expect(events.map(({ event }) => event)).not.toContain('gateClosed');
  await scene.expectOpen();
}, 60_000);

test('a queue that the config of the deploy worker does not have yet is paused as well', async () => {
  const elsewhere = defineJob({ ...count.options, name: 'elsewhere', taskQueue: 'new-queue' });
  await scene.startWorker([elsewhere]);
  await scene.jobs.start(elsewhere, { to: 100_000, everyMs: 5 }, { id: 'elsewhere' });
  await eventually(async () => expect((await scene.jobs.handle('elsewhere').row())?.seq).toBeGreaterThan(3));
  scene.planOf([external()]);
  const seen: string[] = [];
  const end = await scene.deploy('new', {
    command: ['true'],
    onEvent: (event) => {
      if (event.kind === 'commandStarted')
        void readGates(scene.ledger, ENVIRONMENT).then((gates) =>
          seen.push(...gates.map((gate) => `${gate.taskQueue} ${gate.state}`)),
        );
    },
  });
  expect(end).toMatchObject({ outcome: 'succeeded' });
  expect(seen).toContain('new-queue closed');
  await scene.jobs.handle('elsewhere').cancel();
}, 60_000);
