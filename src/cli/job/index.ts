import { Command } from 'commander';
import { jobCancelCommand } from './cancel.ts';
import { jobListCommand } from './list.ts';
import { jobReleaseCommand } from './release.ts';
import { jobShowCommand } from './show.ts';
import { jobStartCommand } from './start.ts';
import { jobWatchCommand } from './watch.ts';

export function jobCommand(): Command {
  return new Command('job')
    .description('start jobs, look at them, end them')
    .addCommand(jobStartCommand())
    .addCommand(jobListCommand())
    .addCommand(jobShowCommand())
    .addCommand(jobWatchCommand())
    .addCommand(jobCancelCommand())
    .addCommand(jobReleaseCommand());
}
