import type { DeployRow } from '../../ledger/deploys.ts';
import type { BoardBuild, BoardGate, BoardJob } from '../../ledger/board.ts';
import { describeLive } from '../deploy/live-status.ts';
import type { Live } from '../deploy/live-status.ts';
import { describeFreeze } from '../deploy/waiting.ts';
import type { Freeze } from '../../protocol.ts';
import { behindGate, formatProgress } from '../job/progress.ts';
import { formatTime, table } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { fitHeight } from './fit-height.ts';
import type { Part } from './fit-height.ts';

export interface Board {
  readonly environment: string;
  /** No deploy is given the lock. */
  readonly freeze?: Freeze;
  /** Deploys without an outcome, in the order in which they run. */
  readonly deploys: readonly { readonly row: DeployRow; readonly live: Live | undefined }[];
  readonly gates: readonly BoardGate[];
  readonly jobs: readonly BoardJob[];
  readonly jobsTotal: number;
  readonly builds: readonly BoardBuild[];
}

export interface ScreenSize {
  /** Columns; undefined: as wide as it needs to be. */
  readonly width?: number | undefined;
  /** Lines; undefined: as many as it needs. */
  readonly height?: number | undefined;
}

/** Everything of an environment on one screen, as lines. */
export function boardScreen(board: Board, paint: Paint, { width, height }: ScreenSize = {}): string[] {
  const shown = board.jobs.length === board.jobsTotal ? '' : `, ${board.jobs.length} shown`;
  const parts: Part[] = [
    part(
      `Deploys (${board.deploys.length})`,
      board.deploys.length > 0 && deploys(board, width),
      'none runs, none waits',
    ),
    part(
      `Gates (${board.gates.length})`,
      board.gates.length > 0 && gates(board, width),
      'none: no worker has been here yet',
    ),
    part(
      `Jobs (${board.jobsTotal}${shown})`,
      board.jobs.length > 0 && jobs(board, width),
      'none has begun and not ended',
    ),
    part('Workers alive', board.builds.length > 0 && builds(board, width), 'none'),
  ];
  const title = `${paint.bold(`environment ${board.environment}`)}${board.freeze ? `, ${paint.red(describeFreeze(board.freeze))}` : ''}`;
  const fitted = fitHeight(parts, height === undefined ? undefined : height - 1);
  return [title, ...fitted.flatMap(({ title: name, lines }) => ['', paint.bold(name), ...lines])].slice(0, height);
}

const part = (title: string, body: string | false, otherwise: string): Part => ({
  title,
  lines: (body || otherwise).split('\n'),
});

type Width = number | undefined;

const deploys = (board: Board, width: Width) =>
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
    { width, leaveOut: ['REQUESTED', 'PLAN', 'VERSION'] },
  );

const gates = (board: Board, width: Width) =>
  table(
    ['QUEUE', 'GATE', 'OWNER', 'RUNNING', 'FENCED, NOT STOPPED'],
    board.gates.map((gate) => [
      gate.taskQueue,
      gate.state,
      gate.deploy ?? undefined,
      gate.runningSlices,
      gate.fencedNotStopped,
    ]),
    { width, leaveOut: ['FENCED, NOT STOPPED'] },
  );

const jobs = (board: Board, width: Width) =>
  table(
    ['JOB', 'NAME', 'QUEUE', 'STATE', 'PROGRESS', 'CHECKPOINT', 'NOTE'],
    board.jobs.map((job) => [
      job.workflowId,
      job.name,
      job.taskQueue,
      job.state,
      formatProgress(job.progress),
      job.seq,
      behindGate(job) ?? job.note ?? undefined,
    ]),
    { width, leaveOut: ['CHECKPOINT', 'QUEUE', 'NAME', 'NOTE'] },
  );

const builds = (board: Board, width: Width) =>
  table(
    ['KIND', 'BUILD', 'WORKERS', 'STOPPING', 'QUEUES'],
    board.builds.map((build) => [
      build.kind,
      build.buildId,
      build.workers,
      build.stopping,
      build.taskQueues.join(', '),
    ]),
    { width, leaveOut: ['STOPPING'] },
  );
