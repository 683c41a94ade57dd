import type { WorkerOptions } from '@temporalio/worker';
import { msToNumber } from '@temporalio/common/lib/time.js';
import { SHUTDOWN_FORCE, SHUTDOWN_GRACE, STICKY_FOR } from '../defaults.ts';
import { LockkeeperError } from '../errors.ts';
import { SLICE_ACTIVITY } from '../protocol.ts';

/** How late a slice hears of its cancellation, milliseconds: the default would be 0.8 of the heartbeat timeout. */
const HEARTBEAT_THROTTLE = 1_000;

const breaksLaw = (what: string, next: string) => new LockkeeperError('SETTING_BREAKS_LAW', what, { next });

/**
 * The settings without which a Temporal Worker loses what is promised of jobs. One that was chosen otherwise is kept where
 * the promise holds all the same, and refused where it does not.
 * @throws {LockkeeperError} SETTING_BREAKS_LAW, which says what to set
 */
export function settingsForJobs(chosen: Partial<WorkerOptions>): Partial<WorkerOptions> {
  refuse(chosen);
  return {
    // Eager dispatch goes round a paused queue.
    maxEagerActivityReservationsPerWorkflowTask: 0,
    maxHeartbeatThrottleInterval: atMost(chosen, 'maxHeartbeatThrottleInterval', HEARTBEAT_THROTTLE),
    defaultHeartbeatThrottleInterval: atMost(chosen, 'defaultHeartbeatThrottleInterval', HEARTBEAT_THROTTLE),
    stickyQueueScheduleToStartTimeout: atMost(chosen, 'stickyQueueScheduleToStartTimeout', STICKY_FOR),
    ...shutdownTimes(chosen),
  };
}

function refuse(chosen: Partial<WorkerOptions>): void {
  const eager = chosen.maxEagerActivityReservationsPerWorkflowTask ?? 0;
  if (eager > 0)
    throw breaksLaw(
      `maxEagerActivityReservationsPerWorkflowTask is ${eager}, and activities that are dispatched eagerly run while a deploy has their queue paused`,
      'Leave it out, or set it to 0',
    );
  if (chosen.enableNonLocalActivities === false)
    throw breaksLaw('enableNonLocalActivities is false, and jobs run as activities', 'Leave it out');
  if (Object.hasOwn(chosen.activities ?? {}, SLICE_ACTIVITY))
    throw breaksLaw(
      `there is an activity \`${SLICE_ACTIVITY}\`, which is the name of the one that runs jobs`,
      'Give yours another name, or serve it on another task queue',
    );
  const deployment = chosen.workerDeploymentOptions;
  if (deployment?.useWorkerVersioning && deployment.defaultVersioningBehavior === 'PINNED')
    throw breaksLaw(
      'workerDeploymentOptions.defaultVersioningBehavior is PINNED, and a pinned job would stay behind on a version that a deploy takes away',
      'Set it to AUTO_UPGRADE, and pin your own workflows one by one (`setWorkflowOptions`)',
    );
}

type Span = 'maxHeartbeatThrottleInterval' | 'defaultHeartbeatThrottleInterval' | 'stickyQueueScheduleToStartTimeout';

function atMost(chosen: Partial<WorkerOptions>, name: Span, most: number): number {
  const ms = chosen[name] === undefined ? most : msToNumber(chosen[name]);
  if (ms <= most) return ms;
  throw breaksLaw(
    `${name} is ${ms} ms, and jobs that are cancelled, or whose worker is gone, would wait for it`,
    `Leave it out, or set it to at most ${most} ms`,
  );
}

/** Slices save their place in the grace time; one that ignores its end is given up after the force time. */
function shutdownTimes(chosen: Partial<WorkerOptions>) {
  const ms = (name: 'shutdownGraceTime' | 'shutdownForceTime', otherwise: number) =>
    chosen[name] === undefined ? otherwise : msToNumber(chosen[name]);
  const grace = ms('shutdownGraceTime', SHUTDOWN_GRACE);
  const force = ms('shutdownForceTime', SHUTDOWN_FORCE);
  if (grace > 0 && grace < force) return { shutdownGraceTime: grace, shutdownForceTime: force };
  throw breaksLaw(
    `shutdownGraceTime is ${grace} ms and shutdownForceTime ${force} ms`,
    'The grace must be above 0, as slices save their place in it, and below the force',
  );
}
