import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { defineJob } from '../../src/jobs/index.ts';
import { createWorker } from '../../src/workers/worker.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { quietLog } from '../support/quiet-log.ts';
import { ENVIRONMENT, QUEUE, openScene } from '../support/scene.ts';

const RUN_JOB = fileURLToPath(new URL('../../src/workflow.ts', import.meta.url));
const WORKFLOWS = `
import { continueAsNew } from '@temporalio/workflow';
import { runJob } from ${JSON.stringify(RUN_JOB)};
export async function two() {
  return [await runJob('counting', { to: 2 }), await runJob('counting', { to: 3 })];
}
export async function beside() {
  return Promise.all([runJob('counting', { to: 2 }), runJob('counting', { to: 3 })]);
}
export async function owned() {
  return runJob('counting', { to: 1 }, { owner: 'ada@example.org' });
}
export async function picky() {
  return Promise.all([runJob('picky', 'a'), runJob('picky', 'b')]);
}
export async function again(rounds) {
  const counted = await runJob('counting', { to: rounds });
  if (rounds > 1) await continueAsNew(rounds - 1);
  return counted;
}
`;
let begun = 0;
const counting = defineJob({
  name: 'counting',
  taskQueue: QUEUE,
  checkpointEvery: 0,
  state: { initial: { at: 0 } },
  async *run(job, input: { to: number }) {
    begun += 1;
    for (let at = job.state.at; at < input.to; at += 1) yield await Promise.resolve({ at: at + 1 });
    return input.to;
  },
});

let mended = false;
const picky = defineJob({
  name: 'picky',
  taskQueue: QUEUE,
  checkpointEvery: 0,
  retry: { maximumAttempts: 2, initialInterval: '1ms' },
  state: {
    initial: { at: 0 },
    parse: (value) => {
      if (!mended) throw new Error('not yet');
      return value as { at: number };
    },
  },
  async *run(job, input: string) {
    if (job.state.at === 0) {
      yield { at: 1 };
      throw new Error('the first attempt fails');
    }
    return `${input} from ${job.state.at}`;
  },
});

const scene = await openScene();
const { temporal, ledger } = scene;
// Beside the sources: its imports are looked for from where it lies.
const folder = await mkdtemp(fileURLToPath(new URL('.workflows-', import.meta.url)));
atEnd(() => rm(folder, { recursive: true }));
const workflows = path.join(folder, 'workflows.mjs');
await writeFile(workflows, WORKFLOWS);
const worker = await createWorker({
  environment: ENVIRONMENT,
  temporal,
  ledger,
  jobs: [counting, picky],
  workflows,
  buildId: 'v1',
  log: quietLog,
});
const ran = worker.run();
atEnd(async () => {
  worker.shutdown('the test ended');
  await ran;
});

const start = (type: string, workflowId: string, ...args: unknown[]) =>
  temporal.client.workflow.start(type, { workflowId, taskQueue: QUEUE, args });
async function keysOf(workflowId: string): Promise<string[]> {
  const { rows } = await ledger.pool.query<{ key: string }>(
    'select key from lockkeeper._jobs where workflow_id = $1 order by created_at, key',
    [workflowId],
  );
  return rows.map(({ key }) => key);
}

test.each(['two', 'beside'])('%s jobs in one workflow are two jobs, in every workflow counted from 0', async (type) => {
  for (const id of [`${type} first`, `${type} second`]) {
    begun = 0;
    const { result, firstExecutionRunId } = await start(type, id).then(async (handle) => ({
      result: (await handle.result()) as number[],
      firstExecutionRunId: handle.firstExecutionRunId,
    }));
    expect(result).toEqual([2, 3]);
    expect(begun).toBe(2);
    expect(new Set(await keysOf(id))).toEqual(new Set([`${firstExecutionRunId}/0`, `${firstExecutionRunId}/1`]));
  }
});

test('a job belongs to whom its workflow says', async () => {
  await (await start('owned', 'owned')).result();
  expect(await scene.jobs.list({ owner: 'ada@example.org' })).toMatchObject([{ workflowId: 'owned', state: 'done' }]);
});

test('a job in a workflow that begins again as new is another one each time', async () => {
  const handle = await start('again', 'again', 3);
  expect(await handle.result()).toBe(1);
  expect(await keysOf('again')).toHaveLength(3);
});

test('under the id of a workflow that has ended everything begins anew', async () => {
  for (let n = 1; n <= 2; n += 1) {
    begun = 0;
    expect(await (await start('two', 'same')).result()).toEqual([2, 3]);
    expect(begun).toBe(2);
    expect(await keysOf('same')).toHaveLength(2 * n);
  }
});

test('a job in quarantine inside a workflow is shown and released, each by its key', async () => {
  const workflow = await temporal.client.workflow.start('picky', { workflowId: 'picky', taskQueue: QUEUE });
  const handle = scene.jobs.handle('picky');
  await eventually(async () =>
    expect((await handle.rows()).map((row) => row.state)).toEqual(['quarantined', 'quarantined']),
  );
  expect(await handle.row()).toMatchObject({ name: 'picky', reason: 'checkpoint 1 does not parse: not yet' });
  await eventually(async () => expect(await handle.status()).toMatchObject({ phase: 'quarantined', job: 'picky' }));
  await expect(handle.release({ action: 'continue' })).rejects.toThrow(
    /2 jobs of workflow picky are in quarantine. Say which one: `--key .*\/\d` \(picky\), `--key /,
  );
  mended = true;
  const keys = (await handle.rows()).map((row) => row.key!);
  const status = await handle.release({ action: 'continue' }, keys[0]);
  expect(status?.key).toBe(keys[0]);
  await eventually(async () =>
    expect((await handle.rows()).filter((row) => row.state === 'quarantined').map((row) => row.key)).toEqual([keys[1]]),
  );
  await handle.release({ action: 'restart' });
  await expect(handle.release({ action: 'restart' }, 'nobody')).rejects.toThrow(
    'no job nobody of workflow picky is in quarantine',
  );
  expect(await workflow.result()).toHaveLength(2);
});
