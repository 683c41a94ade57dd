import proto from '@temporalio/proto';
import { expect, test } from 'vitest';
import { coordinatorId, deployRunId, deployStepId } from '../../src/protocol.ts';
import { countUntilTold } from '../app/count-job.ts';
import { ENVIRONMENT, openScene } from '../support/scene.ts';
import { eventually } from '../support/eventually.ts';
import { expectLaws, expectOnce } from './laws.ts';
import { ALL_PHASES, deployUntil } from './phases.ts';
import { Place } from './place.ts';

type Act = (place: Place, deploy: string) => Promise<unknown>;
const handle = (place: Place, id: string) => place.scene.temporal.client.workflow.getHandle(id);
const runOf = (place: Place) => handle(place, deployRunId(ENVIRONMENT));
const coordinatorOf = (place: Place) => handle(place, coordinatorId(ENVIRONMENT));
/** A step may have ended, or not begun: then there is nothing to be done to it. */
const stepOf = (place: Place, deploy: string) => handle(place, deployStepId(ENVIRONMENT, deploy, 1, 'work'));
const ifThere = (act: Promise<unknown>) =>
  act.catch((error: Error) => expect(error.message).toMatch(/not found|already completed|no rows/i));

/** Back to the last workflow task that it completed, as `temporal workflow reset --type LastWorkflowTask` does. */
async function reset(place: Place, workflowId: string): Promise<void> {
  const { client, namespace } = place.scene.temporal;
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const completed = proto.temporal.api.enums.v1.EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED;
  const at = (events ?? []).filter((event) => event.eventType === completed).at(-1);
  await client.workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: { workflowId },
    workflowTaskFinishEventId: at!.eventId!,
    requestId: `${workflowId} ${Date.now()}`,
    reason: 'by the test',
  });
}

const ACTS: readonly { what: string; act: Act }[] = [
  { what: 'the run is terminated', act: (place) => runOf(place).terminate('by the test') },
  { what: 'the run is cancelled', act: (place) => runOf(place).cancel() },
  { what: 'the run is reset', act: (place) => reset(place, deployRunId(ENVIRONMENT)) },
  { what: 'the coordinator is terminated', act: (place) => coordinatorOf(place).terminate('by the test') },
  { what: 'the coordinator is cancelled', act: (place) => coordinatorOf(place).cancel() },
  { what: 'the coordinator is reset', act: (place) => reset(place, coordinatorId(ENVIRONMENT)) },
  { what: 'the step is terminated', act: (place, deploy) => ifThere(stepOf(place, deploy).terminate('by the test')) },
  { what: 'the step is cancelled', act: (place, deploy) => ifThere(stepOf(place, deploy).cancel()) },
];

test.each(ACTS)(
  '$what by an operator in each phase: the deploy ends, the next one runs, nothing is lost or left closed',
  async ({ act }) => {
    const place = await Place.open(await openScene());
    await place.start('worker', 'deploy-worker');
    await place.scene.jobs.start(countUntilTold, undefined, { id: 'job' });
    await place.goesOn('job');
    const deploys = ALL_PHASES.map((phase) => phase.replaceAll(' ', '-'));
    for (const [i, phase] of ALL_PHASES.entries()) {
      await deployUntil(place, deploys[i]!, phase);
      await act(place, deploys[i]!);
      expect(['succeeded', 'rolledBack', 'failed', 'aborted'], phase).toContain(await place.outcome(deploys[i]!));
      await place.goesOn('job');
    }
    await place.request('after');
    expect(await place.outcome('after')).toBe('succeeded');
    await place.rows(`insert into effect (job, n, build) values ('job', -1, 'told')`);
    await place.scene.jobs.handle('job').result();
    await expectOnce(place, 'job');
    // Opening is what a deploy does last; whoever settles it may still be at it.
    await eventually(() => place.scene.expectOpen());
    await place.stop();
    await expectLaws(place, [...deploys, 'after']);
  },
  300_000,
);
