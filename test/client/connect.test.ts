import { beforeAll, expect, test } from 'vitest';
import { connect } from '../../src/index.ts';
import { EFFECT_TABLE, count } from '../app/count-job.ts';
import { freshDatabase } from '../support/database.ts';
import { freshNamespace } from '../support/fresh-namespace.ts';
import { quietLog } from '../support/quiet-log.ts';
import { QUEUE, command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

let scene: Scene;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  await scene.startWorker([count]);
  await scene.startDeployWorker();
  env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl };
});

const open = (more: NodeJS.ProcessEnv = {}) => connect({ env: { ...env, ...more }, log: quietLog });

test('a program opens everything by one call, starts a job in the middle of a deploy, and closes', async () => {
  const lockkeeper = await open();
  scene.planOf([command('one', 'sleep 2')]);
  const deploys = lockkeeper.deploys('test');
  await deploys.request({ id: 'v1', plan: 'default', requestedBy: 'a program' });
  let started: ReturnType<typeof start> | undefined;
  const start = () => lockkeeper.jobs.start(count, { to: 3, everyMs: 0 }, { id: 'meanwhile' });
  let waited = '';
  for await (const news of deploys.watch('v1')) {
    if (news.kind !== 'status' || !news.status.phase.startsWith('step 1') || started) continue;
    started = start();
    waited = (await (await started).describe()).state;
  }
  expect(waited).toBe('pending');
  expect(await (await started!).result()).toEqual({ counted: 3 });
  expect((await lockkeeper.jobs.list({ name: 'count' })).map((row) => [row.workflowId, row.taskQueue])).toEqual([
    ['meanwhile', QUEUE],
  ]);
  expect(await deploys.list()).toMatchObject([{ id: 'v1', outcome: 'succeeded' }]);
  await lockkeeper.close();
  await lockkeeper.close();
}, 60_000);

test('`await using` closes it', async () => {
  let ledger;
  {
    await using lockkeeper = await open();
    ({ ledger } = lockkeeper);
    expect(await lockkeeper.jobs.list({ limit: 1 })).toBeDefined();
  }
  await expect(ledger.pool.query('select 1')).rejects.toThrow('after calling end');
});

test.each<[string, NodeJS.ProcessEnv, string]>([
  ['no DATABASE_URL', { DATABASE_URL: undefined }, 'USAGE'],
  ['a Temporal that is not there', { TEMPORAL_ADDRESS: '127.0.0.1:1' }, 'TEMPORAL_UNREACHABLE'],
  ['a Postgres that is not there', { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/x' }, 'LEDGER_UNREACHABLE'],
])(
  '%s is told by its code',
  async (_, more, code) => {
    await expect(open(more)).rejects.toMatchObject({ code });
  },
  40_000,
);

test('a database without the schema, and a ledger of another namespace, are refused', async () => {
  await expect(open({ DATABASE_URL: await freshDatabase({ empty: true }) })).rejects.toMatchObject({
    code: 'LEDGER_SCHEMA',
  });
  await expect(open((await freshNamespace()).env)).rejects.toMatchObject({ code: 'LEDGER_WRONG_CLUSTER' });
});
