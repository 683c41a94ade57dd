import proto from '@temporalio/proto';
import { expect } from 'vitest';
import type { Scene } from '../support/scene.ts';
import type { Place } from './place.ts';

/** Checks the laws from what is left: the database, and Temporal's histories. */
export async function expectLaws(place: Place, deploys: readonly string[]): Promise<void> {
  const { scene } = place;
  await scene.expectOpen();
  expect(await place.rows(`select workflow_id, state from lockkeeper.claims where state = 'running'`)).toEqual([]);
  await expectOrder(place, deploys);
  for (const id of deploys) await expectCommandOnce(place, id);
  await expectNoFailedWorkflowTask(scene);
}

/** Every item of a counted job was written once. */
export async function expectOnce(place: Place, job: string): Promise<void> {
  const done = await place.numbers(job);
  expect(done.length).toBeGreaterThan(0);
  expect(done).toEqual(done.map((_, n) => n));
}

/** Codes only grow, and a deploy gets the lock when the one before has ended. */
async function expectOrder(place: Place, deploys: readonly string[]): Promise<void> {
  const rows = await place.rows<{ deploy: string; event: string; detail: { code?: number } }>(
    `select deploy, event, detail from lockkeeper.events where event in ('lockGranted', 'code', 'finished') order by id`,
  );
  const order = await place.rows<{ id: string }>('select id from lockkeeper.deploys order by approval_order');
  expect(order.map(({ id }) => id)).toEqual(deploys);
  let before = -1;
  for (const id of deploys) {
    const codes = rows.filter((row) => row.deploy === id && row.event === 'code').map((row) => row.detail.code!);
    expect(codes, id).toEqual([...codes].sort((a, b) => a - b));
    const began = rows.findIndex((row) => row.deploy === id);
    const ended = rows.findIndex((row) => row.deploy === id && row.event === 'finished');
    if (began !== -1) expect(began, `${id} begins after the one before has ended`).toBeGreaterThan(before);
    expect(ended, `${id} has ended`).toBeGreaterThanOrEqual(began);
    before = ended;
  }
}

/** The step's command is not idempotent: it never begins twice, and only what was seen to end well has succeeded. */
async function expectCommandOnce(place: Place, id: string): Promise<void> {
  const lines = place.commandLines.filter((line) => line.startsWith(`${id} `));
  expect(lines.filter((line) => line.endsWith(' begins')).length, lines.join(', ')).toBeLessThanOrEqual(1);
  // Some plans have no command.
  if (lines.length > 0 && (await place.outcome(id)) === 'succeeded')
    expect(lines).toEqual([`${id} begins`, `${id} ends`]);
}

async function expectNoFailedWorkflowTask({ temporal }: Scene): Promise<void> {
  const failed = proto.temporal.api.enums.v1.EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED;
  const unhandledCommand =
    proto.temporal.api.enums.v1.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND;
  for await (const { workflowId, runId } of temporal.client.workflow.list()) {
    const { events } = await temporal.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const found = (events ?? [])
      .filter((event) => event.eventType === failed)
      .map((event) => event.workflowTaskFailedEventAttributes)
      // A signal that arrives while a workflow is continued as new: the server gives the task again, with the signal.
      .filter((task) => task?.cause !== unhandledCommand)
      .map((task) => task?.failure)
      // A person's reset, or termination in the middle of one, is written down as one, too.
      .filter((failure) => failure && !failure.resetWorkflowFailureInfo)
      .map((failure) => failure?.message);
    expect(found, workflowId).toEqual([]);
  }
}
