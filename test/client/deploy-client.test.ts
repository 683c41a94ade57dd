import { beforeAll, describe, expect, test } from 'vitest';
import { DeployClient } from '../../src/index.ts';
import type { DeployNews } from '../../src/index.ts';
import { deployRunId } from '../../src/protocol.ts';
import { eventually } from '../support/eventually.ts';
import { ENVIRONMENT, command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

let scene: Scene;
let withLedger: DeployClient;
beforeAll(async () => {
  scene = await openScene();
  withLedger = new DeployClient(scene.temporal.client, ENVIRONMENT, scene.ledger);
  await scene.startDeployWorker();
});

const request = (id: string) => withLedger.request({ id, plan: 'default', requestedBy: 'a service' });

async function watch(deploys: DeployClient, id: string): Promise<DeployNews[]> {
  const all: DeployNews[] = [];
  for await (const news of deploys.watch(id)) all.push(news);
  return all;
}

const kinds = (all: readonly DeployNews[]) => all.map((news) => news.kind);

describe('a deploy that is watched', () => {
  test('is told of from its place in the queue to its end, with a ledger and without', async () => {
    scene.planOf([command('one', 'sleep 1')]);
    await request('first');
    await request('second');
    const [first, second] = await Promise.all([watch(scene.deploys, 'first'), watch(withLedger, 'second')]);
    expect(kinds(first)).toContain('status');
    expect(first.at(-1)).toEqual({ kind: 'ended', outcome: 'succeeded' });
    expect(second).toContainEqual(expect.objectContaining({ kind: 'waiting', ahead: ['first'] }));
    expect(kinds(second)).toContain('status');
    expect(second.at(-1)).toEqual({ kind: 'ended', outcome: 'succeeded' });
    // Nothing is told twice.
    for (const all of [first, second])
      expect(all.filter((news, n) => JSON.stringify(news) === JSON.stringify(all[n - 1]))).toEqual([]);
  }, 60_000);

  test('has its result, also long after, when the ledger is asked', async () => {
    scene.planOf([command('fails', 'exit 3')]);
    await request('failing');
    const result = await withLedger.result('failing', { signal: AbortSignal.timeout(40_000) });
    expect(result).toMatchObject({ deploy: 'failing', outcome: 'failed' });
    scene.planOf([]);
    await request('next');
    await withLedger.result('next');
    // Its run is another deploy's by now.
    expect(await withLedger.result('failing')).toEqual(result);
    await expect(scene.deploys.result('failing')).rejects.toMatchObject({ code: 'DEPLOY_NOT_CURRENT' });
  }, 60_000);

  test('whose run is terminated ends with the outcome that the coordinator writes', async () => {
    scene.planOf([command('long', 'sleep 60')]);
    await request('terminated');
    const all: DeployNews[] = [];
    for await (const news of withLedger.watch('terminated')) {
      all.push(news);
      if (news.kind === 'status' && news.status.phase.startsWith('step 1'))
        await scene.temporal.client.workflow.getHandle(deployRunId(ENVIRONMENT)).terminate('the test');
    }
    expect(all.at(-1)).toMatchObject({ kind: 'ended', outcome: 'failed' });
    await eventually(() => scene.expectOpen());
  }, 60_000);

  test('is left when the signal fires', async () => {
    scene.planOf([command('long', 'sleep 60')]);
    await request('left');
    const signal = AbortSignal.timeout(1_500);
    await expect(withLedger.result('left', { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
    await eventually(() => withLedger.operate({ deploy: 'left', action: 'abort', reason: 'enough', by: 'the test' }));
    expect(await withLedger.result('left')).toMatchObject({ outcome: 'aborted' });
  }, 60_000);

  test('that there is not: DEPLOY_NOT_FOUND from the ledger, DEPLOY_NOT_CURRENT from Temporal alone', async () => {
    await expect(withLedger.result('none')).rejects.toMatchObject({ code: 'DEPLOY_NOT_FOUND' });
    await expect(scene.deploys.result('none')).rejects.toMatchObject({ code: 'DEPLOY_NOT_CURRENT' });
  });
});

test('in an environment that has had no deploy there is nothing to operate, withdraw, finish or watch', async () => {
  const empty = new DeployClient(scene.temporal.client, 'empty');
  const by = { deploy: 'v1', reason: 'why', by: 'me' };
  const asked = [
    () => empty.operate({ ...by, action: 'abort' }),
    () => empty.withdraw(by),
    () => empty.finish({ deploy: 'v1', nonce: 'n', ok: true }),
    () => empty.watch('v1').next(),
  ];
  for (const ask of asked) await expect(ask()).rejects.toMatchObject({ code: 'DEPLOY_NOT_CURRENT' });
});

test('the deploys of an environment are listed, latest first, by a client with a ledger', async () => {
  scene.planOf([]);
  for (const id of ['listed-1', 'listed-2']) {
    await request(id);
    await withLedger.result(id);
  }
  const rows = await withLedger.list({ limit: 2 });
  expect(rows.map((row) => [row.id, row.outcome])).toEqual([
    ['listed-2', 'succeeded'],
    ['listed-1', 'succeeded'],
  ]);
  await expect(scene.deploys.list()).rejects.toMatchObject({ code: 'USAGE' });
});
