import { Command } from 'commander';
import { withJobs } from '../connections.ts';
import { exits, jsonOption, timeoutOption, withExample } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import type { FollowOptions } from '../until-end.ts';
import { follow } from './follow.ts';

/** Shows a job's progress until it ends, and ends as it ends. */
export function jobWatch(id: string, options: FollowOptions): Promise<number> {
  return withJobs(({ jobs }) => {
    return follow(jobs, jobs.handle(id), options, stopOnSignals());
  });
}

export function jobWatchCommand(): Command {
  const command = new Command('watch')
    .description('show progress until the job ends, and end as it ends')
    .argument('<id>', 'the job')
    .addOption(timeoutOption())
    .addOption(jsonOption())
    .action(exits(jobWatch));
  return withExample(command, 'lockkeeper job watch import-7');
}
