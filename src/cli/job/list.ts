import { Command, Option } from 'commander';
import { listJobs } from '../../ledger/jobs.ts';
import type { JobRow } from '../../ledger/jobs.ts';
import type { JobPhase } from '../../protocol.ts';
import { withLedger } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { exits, jsonOption, parseCount, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { formatTime, table } from '../table.ts';
import { print, printJson } from '../terminal.ts';
import { formatProgress } from './progress.ts';

const STATES: readonly JobPhase[] = ['running', 'interrupted', 'waiting', 'quarantined', 'done', 'failed', 'cancelled'];

export interface JobListOptions extends JsonOptions {
  readonly state?: JobPhase;
  readonly limit: number;
}

/** The jobs of the ledger, latest first. A job stands there from its first slice on. */
export async function jobList({ state, limit, json }: JobListOptions): Promise<number> {
  const rows = await withLedger((ledger) => listJobs(ledger, { limit, ...(state && { state }) }));
  if (json) printJson(rows);
  else print(rows.length === 0 ? 'no jobs' : jobTable(rows));
  return EXIT.ok;
}

export const jobTable = (rows: readonly JobRow[]) =>
  table(
    ['JOB', 'NAME', 'QUEUE', 'STATE', 'PROGRESS', 'CHECKPOINT', 'INTERRUPTED', 'BUILD', 'STARTED', 'NOTE'],
    rows.map((row) => [
      row.workflowId,
      row.name,
      row.taskQueue,
      row.state,
      formatProgress(row.progress),
      row.seq,
      row.interruptions,
      row.buildId,
      formatTime(row.createdAt),
      row.reason ?? row.progress.note,
    ]),
  );

export function jobListCommand(): Command {
  const command = new Command('list')
    .description('jobs that have begun, latest first')
    .addOption(new Option('--state <state>', 'only those').choices(STATES))
    .option('--limit <n>', 'how many', parseCount, 50)
    .addOption(jsonOption())
    .action(exits(jobList));
  return withExample(command, 'lockkeeper job list --state quarantined');
}
