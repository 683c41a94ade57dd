import type { DeployRow } from '../ledger/deploys.ts';
import type { BoardBuild, BoardGate, BoardJob } from '../ledger/board.ts';
import { describeLive } from './deploy/live-status.ts';
import type { Live } from './deploy/live-status.ts';
import { formatProgress } from './job/progress.ts';
import { formatTime, table } from './table.ts';
import type { Paint } from './terminal.ts';

export interface Board {
  readonly environment: string;
  /** Deploys without an outcome, in the order in which they run. */
  readonly deploys: readonly { readonly row: DeployRow; readonly live: Live | undefined }[];
  readonly gates: readonly BoardGate[];
  readonly jobs: readonly BoardJob[];
  readonly jobsTotal: number;
  readonly builds: readonly BoardBuild[];
}

/** Everything of an environment on one screen. */
export function boardScreen(board: Board, paint: Paint): string {
  const shown = board.jobs.length === board.jobsTotal ? '' : `, ${board.jobs.length} shown`;
  return [
    paint.bold(`environment ${board.environment}`),
    ...part(
      paint,
      `Deploys (${board.deploys.length})`,
      board.deploys.length > 0 && deploys(board),
      'none runs, none waits',
    ),
    ...part(
      paint,
      `Gates (${board.gates.length})`,
      board.gates.length > 0 && gates(board),
      'none: no worker has been here yet',
    ),
    ...part(
      paint,
      `Jobs (${board.jobsTotal}${shown})`,
      board.jobs.length > 0 && jobs(board),
      'none has begun and not ended',
    ),
    ...part(paint, 'Workers alive', board.builds.length > 0 && builds(board), 'none'),
  ].join('\n');
}

const part = (paint: Paint, title: string, body: string | false, otherwise: string) => [
  '',
  paint.bold(title),
  body || otherwise,
];

const deploys = (board: Board) =>
  table(
    ['DEPLOY', 'PLAN', 'VERSION', 'BY', 'REQUESTED', 'NOW'],
    board.deploys.map(({ row, live }) => [
      row.id,
      row.plan,
      row.request.version,
      row.requestedBy,
      formatTime(row.requestedAt),
      live ? describeLive(live) : 'neither runs nor waits',
    ]),
  );

const gates = (board: Board) =>
  table(
    ['QUEUE', 'GATE', 'OWNER', 'RUNNING', 'FENCED, NOT STOPPED'],
    board.gates.map((gate) => [
      gate.taskQueue,
      gate.state,
      gate.deploy ?? undefined,
      gate.runningSlices,
      gate.fencedNotStopped,
    ]),
  );

const jobs = (board: Board) =>
  table(
    ['JOB', 'NAME', 'QUEUE', 'STATE', 'PROGRESS', 'CHECKPOINT', 'NOTE'],
    board.jobs.map((job) => [
      job.workflowId,
      job.name,
      job.taskQueue,
      job.state,
      formatProgress(job.progress),
      job.seq,
      job.note ?? undefined,
    ]),
  );

const builds = (board: Board) =>
  table(
    ['KIND', 'BUILD', 'WORKERS', 'STOPPING', 'QUEUES'],
    board.builds.map((build) => [
      build.kind,
      build.buildId,
      build.workers,
      build.stopping,
      build.taskQueues.join(', '),
    ]),
  );
