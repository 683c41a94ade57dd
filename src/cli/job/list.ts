import { Command, Option } from 'commander';
import { z } from 'zod';
import type { JobRow } from '../../ledger/jobs.ts';
import { withJobs } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { Job } from '../json/jobs.ts';
import { printAs } from '../json/print.ts';
import { exits, jsonOption, parseCount, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { formatTime, table } from '../table.ts';
import { print, widthOf } from '../terminal.ts';
import { behindGate, formatProgress } from './progress.ts';

const STATES: readonly JobRow['state'][] = [
  'pending',
  'running',
  'interrupted',
  'waiting',
  'quarantined',
  'done',
  'failed',
  'cancelled',
];

export interface JobListOptions extends JsonOptions {
  readonly state?: JobRow['state'];
  readonly owner?: string;
  readonly limit: number;
}

/** Jobs, latest first, those that wait for their first slice included. */
export async function jobList({ state, owner, limit, json }: JobListOptions): Promise<number> {
  const rows = await withJobs(({ jobs }) =>
    jobs.list({ limit, ...(state && { state }), ...(owner !== undefined && { owner }) }),
  );
  if (json) printAs(z.array(Job), rows);
  else print(rows.length === 0 ? 'no jobs' : jobTable(rows, widthOf(process.stdout)));
  return EXIT.ok;
}

export const jobTable = (rows: readonly JobRow[], width?: number) =>
  table(
    ['JOB', 'NAME', 'QUEUE', 'OWNER', 'STATE', 'PROGRESS', 'CHECKPOINT', 'INTERRUPTED', 'BUILD', 'STARTED', 'NOTE'],
    rows.map((row) => [
      row.workflowId,
      row.name,
      row.taskQueue,
      row.owner,
      row.state,
      formatProgress(row.progress),
      row.seq,
      row.interruptions,
      row.buildId,
      formatTime(row.createdAt),
      row.reason ?? behindGate(row) ?? row.progress.note,
    ]),
    { width, leaveOut: ['STARTED', 'CHECKPOINT', 'BUILD', 'INTERRUPTED', 'QUEUE', 'OWNER', 'NAME', 'NOTE'] },
  );

export function jobListCommand(): Command {
  const command = new Command('list')
    .description('jobs, latest first')
    .addOption(new Option('--state <state>', 'only those').choices(STATES))
    .option('--owner <owner>', 'only those of this owner')
    .option('--limit <n>', 'how many', parseCount, 50)
    .addOption(jsonOption())
    .action(exits(jobList));
  return withExample(command, 'lockkeeper job list --state quarantined');
}
