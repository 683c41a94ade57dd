import { randomUUID } from 'node:crypto';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { WorkflowHandle } from '@temporalio/client';
import { expect, test } from 'vitest';
import { lockkeeperDataConverter } from '../../src/crypto/data-converter.ts';
import { JOB_STATUS_QUERY, JOB_WORKFLOW, RELEASE_UPDATE } from '../../src/protocol.ts';
import type { JobStatus, ReleaseChoice, SliceInput, SliceOutcome } from '../../src/protocol.ts';
import { installRuntime } from '../../src/workers/runtime.ts';
import { bundle } from '../../src/workers/workflow-bundle.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { freshNamespace } from '../support/fresh-namespace.ts';
import { quietLog } from '../support/quiet-log.ts';

/** The job's workflow and a real server, with slices that end as the test says. */
installRuntime(quietLog);
const temporal = await freshNamespace();
const workflowBundle = await bundle(quietLog, undefined);

interface Script {
  readonly handle: WorkflowHandle;
  /** What each slice was asked. */
  readonly asked: SliceInput[];
}

/** Starts a job whose slices end as `next` says, given their number, from 0. */
async function scripted(
  next: (self: WorkflowHandle, n: number, input: SliceInput) => Promise<SliceOutcome>,
): Promise<Script> {
  const taskQueue = `scripted-${randomUUID()}`;
  const connection = await NativeConnection.connect(temporal.connectionOptions);
  const asked: SliceInput[] = [];
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue,
    workflowBundle,
    dataConverter: lockkeeperDataConverter(temporal),
    activities: {
      slice(input: SliceInput) {
        asked.push(input);
        return next(temporal.client.workflow.getHandle(taskQueue), asked.length - 1, input);
      },
    },
  });
  const ran = worker.run();
  atEnd(async () => {
    worker.shutdown();
    await ran;
    await connection.close();
  });
  const handle = await temporal.client.workflow.start(JOB_WORKFLOW, {
    workflowId: taskQueue,
    taskQueue,
    args: [{ job: 'any', input: null }],
  });
  return { handle, asked };
}

const phase = async (handle: WorkflowHandle) => (await handle.query<JobStatus>(JOB_STATUS_QUERY)).phase;
const inQuarantine = (handle: WorkflowHandle) =>
  eventually(async () => expect(await phase(handle)).toBe('quarantined'));
const release = (handle: WorkflowHandle, choice: ReleaseChoice) =>
  handle.executeUpdate<JobStatus, [ReleaseChoice]>(RELEASE_UPDATE, { args: [choice] });

const done: SliceOutcome = { kind: 'done', seq: 99, result: 'done' };
const yielded = (seq: number, stopped = '') =>
  ({ kind: 'yielded', seq, reason: 'told to', ...(stopped && { stopped }) }) satisfies SliceOutcome;
/** The server of the tests suggests a new history at 50 events: the slice that finds so many before it is the last one of its history. */
const isLast = async (handle: WorkflowHandle) => (await handle.describe()).historyLength >= 47;

test('a release in a history so long that a new one begins is not lost', async () => {
  let quarantined = false;
  const { handle, asked } = await scripted(async (self, n) => {
    if (quarantined) return done;
    quarantined = await isLast(self);
    return quarantined ? { kind: 'quarantined', seq: n, reason: 'a test' } : yielded(n);
  });
  await inQuarantine(handle);
  await release(handle, { action: 'from', seq: 7 });
  expect(await handle.result()).toBe('done');
  expect(asked.at(-1)).toMatchObject({ release: { action: 'from', seq: 7 } });
  expect((await handle.describe()).historyLength).toBeLessThan(30);
}, 60_000);

test('a claim that ended while the ledger was away is told also when a new history begins', async () => {
  let stopped = '';
  const { handle, asked } = await scripted(async (self, n) => {
    if (stopped) return done;
    if (await isLast(self)) stopped = 'the claim';
    return yielded(n, stopped);
  });
  expect(await handle.result()).toBe('done');
  expect(asked.at(-1)).toMatchObject({ stopped: 'the claim' });
  expect((await handle.describe()).historyLength).toBeLessThan(30);
}, 60_000);

test('a job that is cancelled and found in quarantine is released once for its onCancel, then waits for a person', async () => {
  const { handle, asked } = await scripted(async (self, n, { mode, release: released }) => {
    if (n === 0) await self.cancel();
    if (mode === 'run') return yielded(3);
    return asked.length < 4 || !released
      ? { kind: 'quarantined', seq: 3, reason: 'a test' }
      : { kind: 'cancelled', seq: 3 };
  });
  await inQuarantine(handle);
  expect(asked.slice(1)).toMatchObject([
    { mode: 'cancel' },
    { mode: 'cancel', release: { action: 'continue' }, seq: 0 },
  ]);
  await release(handle, { action: 'from', seq: 2 });
  await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect(asked.at(-1)).toMatchObject({ mode: 'cancel', release: { action: 'from', seq: 2 } });
}, 60_000);

test.each([null, 'done', { seq: 5 }])(
  'a slice that somebody completes by hand with %j is an interruption',
  async (result) => {
    const { handle, asked } = await scripted((_self, n) => Promise.resolve(n === 0 ? (result as never) : done));
    expect(await handle.result()).toBe('done');
    expect(asked).toMatchObject([{ seq: 0 }, { seq: 0 }]);
  },
);
