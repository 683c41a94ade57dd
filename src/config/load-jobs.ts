import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { errorMessage, LockkeeperError } from '../errors.ts';
import { isJobDefinition } from '../jobs/define-job.ts';
import type { AnyJob } from '../jobs/define-job.ts';
import { coordinatorTaskQueue } from '../protocol.ts';
import type { Config } from './config.ts';
import { unknownWord } from '../did-you-mean.ts';
import { shortPath } from './problems.ts';

interface Found {
  readonly job: AnyJob;
  readonly module: string;
}

interface Trouble {
  readonly message: string;
  readonly cause?: unknown;
}

/**
 * The jobs that the config's modules export, each once, in the order of the modules. Importing runs the modules.
 * @throws {LockkeeperError} CONFIG_INVALID, naming every module that is missing, fails or exports no job, and every job
 *   that has another's name or a queue that the config does not have; `cause` is what the modules threw
 * @example const jobs = await loadJobs(config);
 */
export async function loadJobs(config: Config): Promise<AnyJob[]> {
  const found: Found[] = [];
  const troubles: Trouble[] = [];
  for (const module of config.jobs) {
    const loaded = await loadModule(module);
    if ('message' in loaded) troubles.push(loaded);
    else found.push(...loaded.jobs.map((job) => ({ job, module })));
  }
  const jobs = [...new Map(found.map((entry) => [entry.job, entry])).values()];
  troubles.push(...sameNames(jobs), ...strayQueues(jobs, config));
  if (troubles.length > 0) throw jobsInvalid(config, troubles);
  return jobs.map(({ job }) => job);
}

async function loadModule(module: string): Promise<{ readonly jobs: AnyJob[] } | Trouble> {
  const name = shortPath(module);
  if (!existsSync(module)) return { message: `${name}: there is no such module; correct \`jobs\`` };
  try {
    const exported: unknown = await import(pathToFileURL(module).href);
    const jobs = Object.values(exported as object).filter(isJobDefinition);
    return jobs.length > 0 ? { jobs } : { message: `${name}: exports no job; export what \`defineJob\` returns` };
  } catch (cause) {
    const where =
      cause instanceof SyntaxError ? `${name}${lineOf(cause, module)}: syntax error` : `${name}: failed to load`;
    return { message: `${where}: ${errorMessage(cause)}`, cause };
  }
}

/** Node tells the line of a syntax error only at the head of the stack, and of TypeScript only. */
function lineOf({ stack }: SyntaxError, module: string): string {
  return stack?.startsWith(`${module}:`) ? (/^:\d+/.exec(stack.slice(module.length))?.[0] ?? '') : '';
}

function sameNames(jobs: readonly Found[]): Trouble[] {
  const first = new Map<string, string>();
  return jobs.flatMap(({ job, module }) => {
    const other = first.get(job.name);
    if (other === undefined) {
      first.set(job.name, module);
      return [];
    }
    const where = other === module ? 'in the same module' : `in ${shortPath(other)}`;
    return [{ message: `${shortPath(module)}: there is another job of the name \`${job.name}\` ${where}; rename one` }];
  });
}

function strayQueues(jobs: readonly Found[], config: Config): Trouble[] {
  const own = coordinatorTaskQueue(config.environment);
  const known = config.queues?.map(({ taskQueue }) => taskQueue);
  return jobs.flatMap(({ job, module }) => {
    const which = `${shortPath(module)}: job \`${job.name}\``;
    if (job.taskQueue === own)
      return [{ message: `${which} is on \`${own}\`, the queue on which the deploys themselves run; use another` }];
    if (!known || known.includes(job.taskQueue)) return [];
    return [
      {
        message: `${which} is on a queue that \`queues\` does not have: ${unknownWord('queue', `\`${job.taskQueue}\``, job.taskQueue, known)}`,
      },
    ];
  });
}

function jobsInvalid(config: Config, troubles: readonly Trouble[]): LockkeeperError {
  const causes = troubles.flatMap(({ cause }) => (cause === undefined ? [] : [cause]));
  const message = `the jobs of ${shortPath(config.file)} cannot be used\n${troubles.map((trouble) => trouble.message).join('\n')}`;
  return new LockkeeperError('CONFIG_INVALID', message, {
    cause: causes.length > 1 ? new AggregateError(causes) : causes[0],
  });
}
