import { fileURLToPath } from 'node:url';
import { expect, expectTypeOf, test } from 'vitest';
import { defineJob, lockkeeperPlugin, workflowsOfJobs } from '../../src/index.ts';
import type { DeployClient, DeployRow, JobClient, JobHandle, JobRow, Lockkeeper, Outcome } from '../../src/index.ts';
import type { BundlerPlugin, WorkerPlugin } from '@temporalio/worker';
import { compilerProblems } from '../support/compiler-problems.ts';

const counting = defineJob({
  name: 'count',
  taskQueue: 'numbers',
  async *run(_job, input: { to: number }) {
    yield undefined;
    return { counted: input.to };
  },
});
const silent = defineJob({
  name: 'silent',
  taskQueue: 'numbers',
  async *run() {
    yield undefined;
  },
});

/** Never run: only the compiler reads it. */
export async function programs(lockkeeper: Lockkeeper): Promise<void> {
  expectTypeOf(lockkeeper.jobs).toEqualTypeOf<JobClient>();
  expectTypeOf(lockkeeper.deploys('production')).toEqualTypeOf<DeployClient>();

  const job = await lockkeeper.jobs.start(counting, { to: 3 }, { id: 'a', owner: 'b' });
  expectTypeOf(job).toEqualTypeOf<JobHandle<{ counted: number }>>();
  expectTypeOf(await job.result()).toEqualTypeOf<{ counted: number }>();
  for await (const row of job.progress({ signal: AbortSignal.timeout(1) })) expectTypeOf(row).toEqualTypeOf<JobRow>();
  expectTypeOf(await (await lockkeeper.jobs.start(silent)).result()).toEqualTypeOf<void>();

  expectTypeOf(lockkeeper.jobs.handle<typeof counting>('a')).toEqualTypeOf<JobHandle<{ counted: number }>>();
  expectTypeOf(lockkeeper.jobs.handle('a')).toEqualTypeOf<JobHandle<unknown>>();
  expectTypeOf(await lockkeeper.jobs.list({ state: 'pending' })).toEqualTypeOf<JobRow[]>();

  const deploys = lockkeeper.deploys('production');
  for await (const news of deploys.watch('v42')) {
    if (news.kind === 'ended') expectTypeOf(news.outcome).toEqualTypeOf<Outcome>();
    if (news.kind === 'waiting') expectTypeOf(news.ahead).toEqualTypeOf<readonly string[]>();
  }
  expectTypeOf((await deploys.result('v42')).outcome).toEqualTypeOf<Outcome>();
  expectTypeOf(await deploys.list({ limit: 1 })).toEqualTypeOf<DeployRow[]>();

  // @ts-expect-error -- an input of another shape
  await lockkeeper.jobs.start(counting, { from: 3 });
  // @ts-expect-error -- no input, where there is one
  await lockkeeper.jobs.start(counting);
  // @ts-expect-error -- not a state
  await lockkeeper.jobs.list({ state: 'ended' });
  // @ts-expect-error -- not a definition
  lockkeeper.jobs.handle<{ counted: number }>('a');
  // @ts-expect-error -- a plugin without jobs
  lockkeeperPlugin({ environment: 'production' });

  expectTypeOf(lockkeeperPlugin).returns.toExtend<WorkerPlugin & BundlerPlugin>();
  expectTypeOf(workflowsOfJobs).toExtend<WorkerPlugin & BundlerPlugin>();
}

test('the compiler agrees with everything this file says', { timeout: 60_000 }, () => {
  expect(compilerProblems(fileURLToPath(import.meta.url))).toEqual([]);
});
