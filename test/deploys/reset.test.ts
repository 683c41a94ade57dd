import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import proto from '@temporalio/proto';
import { expect, test } from 'vitest';
import { deployRunId } from '../../src/protocol.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { ENVIRONMENT, command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

/** Back to the last workflow task that it completed, as `temporal workflow reset --type LastWorkflowTask` does. */
async function resetRun({ temporal: { client, namespace } }: Scene): Promise<string> {
  const workflowId = deployRunId(ENVIRONMENT);
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const completed = proto.temporal.api.enums.v1.EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED;
  const at = (events ?? []).filter((event) => event.eventType === completed).at(-1);
  const { runId } = await client.workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: { workflowId },
    workflowTaskFinishEventId: at!.eventId!,
    requestId: 'reset',
    reason: 'by the test',
  });
  return runId;
}

test('a run that an operator resets does none of its steps beside the settling of its deploy', async () => {
  const scene = await openScene();
  await scene.startDeployWorker();
  const directory = await mkdtemp(path.join(tmpdir(), 'lockkeeper-migrations-'));
  atEnd(() => rm(directory, { recursive: true }));
  await writeFile(path.join(directory, '001_late.sql'), 'create table late ();');
  scene.planOf([
    command('one', 'sleep 2', { idempotent: true }),
    { type: 'wait', name: 'pause', timeoutMs: 3_000 },
    { type: 'migrate', name: 'migrate', timeoutMs: 20_000, directory, database: 'app' },
  ]);
  const end = scene.deploy('x');
  await eventually(async () => expect(await scene.steps('x')).toContain('pause started'));
  const runId = await resetRun(scene);
  expect(await end).toMatchObject({ outcome: 'failed' });
  await scene.expectOpen();
  const run = scene.temporal.client.workflow.getHandle(deployRunId(ENVIRONMENT), runId);
  await eventually(async () => expect((await run.describe()).status.name).not.toBe('RUNNING'), { within: 20_000 });
  expect(await scene.steps('x')).toEqual(['one done', 'pause inDoubt', 'migrate pending']);
  const { rows } = await scene.ledger.pool.query(`select to_regclass('late') as late`);
  expect(rows).toEqual([{ late: null }]);
}, 60_000);
