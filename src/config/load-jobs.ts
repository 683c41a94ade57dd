import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { errorMessage, LockkeeperError } from '../errors.ts';
import { isGraphDefinition, isJobDefinition } from '../jobs/index.ts';
import type { AnyGraph, AnyJob } from '../jobs/index.ts';
import { coordinatorTaskQueue } from '../protocol.ts';
import type { Config } from './config.ts';
import { unknownWord } from '../did-you-mean.ts';
import { shortPath } from './problems.ts';

interface Found {
  readonly definition: AnyJob | AnyGraph;
  readonly module: string;
}

/** What the modules of a config export. */
export interface Definitions {
  readonly jobs: AnyJob[];
  readonly graphs: AnyGraph[];
  /** Of both, each once. */
  readonly taskQueues: string[];
}

interface Trouble {
  readonly message: string;
  readonly cause?: unknown;
}

/** @throws {LockkeeperError} CONFIG_INVALID, as {@link loadDefinitions} */
export async function loadJobs(config: Config): Promise<AnyJob[]> {
  return (await loadDefinitions(config)).jobs;
}

/**
 * The jobs and graphs that the config's modules export, each once, in the order of the modules. Importing runs the modules.
 * @throws {LockkeeperError} CONFIG_INVALID, naming every module that is missing, fails or exports neither, and every job or
 *   graph that has another's name or a queue that the config does not have; `cause` is what the modules threw
 * @example const { jobs, graphs } = await loadDefinitions(config);
 */
export async function loadDefinitions(config: Config): Promise<Definitions> {
  const exported: Found[] = [];
  const troubles: Trouble[] = [];
  for (const module of config.jobs) {
    const loaded = await loadModule(module);
    if ('message' in loaded) troubles.push(loaded);
    else exported.push(...loaded.definitions.map((definition) => ({ definition, module })));
  }
  const found = [...new Map(exported.map((entry) => [entry.definition, entry])).values()];
  troubles.push(...sameNames(found), ...strayQueues(found, config));
  if (troubles.length > 0) throw jobsInvalid(config, troubles);
  const definitions = found.map(({ definition }) => definition);
  return {
    jobs: definitions.filter(isJobDefinition),
    graphs: definitions.filter(isGraphDefinition),
    taskQueues: [...new Set(definitions.map(({ taskQueue }) => taskQueue))],
  };
}

async function loadModule(module: string): Promise<{ readonly definitions: (AnyJob | AnyGraph)[] } | Trouble> {
  const name = shortPath(module);
  if (!existsSync(module)) return { message: `${name}: there is no such module; correct \`jobs\`` };
  try {
    const exported: unknown = await import(pathToFileURL(module).href);
    const all: unknown[] = Object.values(exported as object);
    const definitions = all.filter((value) => isJobDefinition(value) || isGraphDefinition(value));
    return definitions.length > 0
      ? { definitions }
      : { message: `${name}: exports no job; export what \`defineJob\` or \`jobGraph\` returns` };
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

const kindOf = (definition: AnyJob | AnyGraph) => (isGraphDefinition(definition) ? 'graph' : 'job');

function sameNames(found: readonly Found[]): Trouble[] {
  const first = new Map<string, string>();
  return found.flatMap(({ definition, module }) => {
    const kind = kindOf(definition);
    const which = `${kind} ${definition.name}`;
    const other = first.get(which);
    if (other === undefined) {
      first.set(which, module);
      return [];
    }
    const where = other === module ? 'in the same module' : `in ${shortPath(other)}`;
    return [
      {
        message: `${shortPath(module)}: there is another ${kind} of the name \`${definition.name}\` ${where}; rename one`,
      },
    ];
  });
}

function strayQueues(found: readonly Found[], config: Config): Trouble[] {
  const own = coordinatorTaskQueue(config.environment);
  const known = config.queues?.map(({ taskQueue }) => taskQueue);
  return found.flatMap(({ definition, module }) => {
    const { name, taskQueue } = definition;
    const which = `${shortPath(module)}: ${kindOf(definition)} \`${name}\``;
    if (taskQueue === own)
      return [{ message: `${which} is on \`${own}\`, the queue on which the deploys themselves run; use another` }];
    if (!known || known.includes(taskQueue)) return [];
    return [
      {
        message: `${which} is on a queue that \`queues\` does not have: ${unknownWord('queue', `\`${taskQueue}\``, taskQueue, known)}`,
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
