import { Command, Option } from 'commander';
import { LockkeeperError } from '../../errors.ts';
import type { ReleaseChoice } from '../../protocol.ts';
import { withJobs } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { JobReleased } from '../json/jobs.ts';
import { printAs } from '../json/print.ts';
import { exits, jsonOption, parseCount, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { print } from '../terminal.ts';
import { elseNoJob } from './no-job.ts';

export interface JobReleaseOptions extends JsonOptions {
  readonly continue?: boolean;
  readonly restart?: boolean;
  readonly from?: number;
  readonly fail?: boolean;
  readonly key?: string;
}

/** Lets a job out of quarantine, with a person's choice of how it goes on. */
export async function jobRelease(id: string, options: JobReleaseOptions): Promise<number> {
  const choice = choiceOf(options);
  const status = await withJobs(({ jobs }) => {
    return elseNoJob(id, jobs, () => jobs.handle(id).release(choice, options.key));
  });
  if (options.json) printAs(JobReleased, { id, released: true, ...(status && { status }) });
  else print(`job ${id} is released: ${choice.action === 'from' ? `from checkpoint ${choice.seq}` : choice.action}`);
  return EXIT.ok;
}

/** @throws {LockkeeperError} USAGE unless there is exactly one choice */
export function choiceOf(options: JobReleaseOptions): ReleaseChoice {
  const choices: ReleaseChoice[] = [
    ...(options.continue ? [{ action: 'continue' } as const] : []),
    ...(options.restart ? [{ action: 'restart' } as const] : []),
    ...(options.from === undefined ? [] : [{ action: 'from', seq: options.from } as const]),
    ...(options.fail ? [{ action: 'fail' } as const] : []),
  ];
  const [choice, ...others] = choices;
  if (choice && others.length === 0) return choice;
  throw new LockkeeperError('USAGE', choice ? 'more than one choice is given' : 'no choice is given', {
    next: 'Give one of --continue, --restart, --from <seq> and --fail',
  });
}

export function jobReleaseCommand(): Command {
  const command = new Command('release')
    .description('let a job out of quarantine')
    .argument('<id>', 'the job')
    .option('--continue', 'go on from its last checkpoint after all')
    .option('--restart', 'begin again from its input')
    .addOption(new Option('--from <seq>', 'go on from an earlier checkpoint').argParser(parseCount))
    .option('--fail', 'give it up')
    .option('--key <key>', 'which one, of several inside a workflow of your own')
    .addOption(jsonOption())
    .action(exits(jobRelease));
  return withExample(command, 'lockkeeper job release import-7 --from 41');
}
