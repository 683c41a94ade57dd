import { Command } from 'commander';
import { withJobs } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { JobCancelled } from '../json/jobs.ts';
import { printLineAs } from '../json/print.ts';
import { exits, jsonOption, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { print } from '../terminal.ts';
import { elseNoJob } from './no-job.ts';

/** Asks a job to end; its `onCancel` undoes what must not stay. */
export async function jobCancel(id: string, options: JsonOptions): Promise<number> {
  await withJobs(({ jobs }) => {
    return elseNoJob(id, jobs, () => jobs.handle(id).cancel());
  });
  if (options.json) printLineAs(JobCancelled, { id, cancelRequested: true });
  else print(`job ${id} is told to end; \`lockkeeper job watch ${id}\` shows when it has`);
  return EXIT.ok;
}

export function jobCancelCommand(): Command {
  const command = new Command('cancel')
    .description('ask a job to end; its onCancel runs')
    .argument('<id>', 'the job')
    .addOption(jsonOption())
    .action(exits(jobCancel));
  return withExample(command, 'lockkeeper job cancel import-7');
}
