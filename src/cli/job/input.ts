import { readFile } from 'node:fs/promises';
import { didYouMean } from '../../did-you-mean.ts';
import { LockkeeperError, errorMessage } from '../../errors.ts';
import type { AnyGraph, AnyJob } from '../../jobs/index.ts';

export interface InputOptions {
  readonly input?: string;
  readonly inputFile?: string;
}

/** The job of that name. @throws {LockkeeperError} JOB_UNKNOWN */
export const definitionOf = (jobs: readonly AnyJob[], name: string): AnyJob => findNamed(jobs, name, 'job');

/** The graph of that name. @throws {LockkeeperError} GRAPH_UNKNOWN */
export const graphOf = (graphs: readonly AnyGraph[], name: string): AnyGraph => findNamed(graphs, name, 'graph');

function findNamed<D extends AnyJob | AnyGraph>(definitions: readonly D[], name: string, kind: 'job' | 'graph'): D {
  const found = definitions.find((definition) => definition.name === name);
  if (found) return found;
  const code = kind === 'job' ? 'JOB_UNKNOWN' : 'GRAPH_UNKNOWN';
  const names = definitions.map((definition) => definition.name);
  const meant = didYouMean(name, names);
  if (meant !== undefined)
    throw new LockkeeperError(code, `there is no ${kind} \`${name}\`, did you mean \`${meant}\`?`);
  throw new LockkeeperError(code, `there is no ${kind} \`${name}\``, {
    next: names.length === 0 ? `The config exports no ${kind}s` : `The config has: ${names.join(', ')}`,
  });
}

/** What was given as input; undefined when nothing was. @throws {LockkeeperError} USAGE, JOB_INPUT_INVALID */
export async function readInput({ input, inputFile }: InputOptions): Promise<unknown> {
  if (input !== undefined && inputFile !== undefined) {
    throw new LockkeeperError('USAGE', '--input and --input-file are both given', { next: 'Give one of them' });
  }
  const text = inputFile === undefined ? input : await readText(inputFile);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    const what = inputFile === undefined ? 'the input' : `the input file ${inputFile}`;
    throw new LockkeeperError('JOB_INPUT_INVALID', `${what} is not JSON: ${errorMessage(error)}`, {
      ...(inputFile === undefined && { next: `Quote it for the shell, such as --input '{"rows": 1}'` }),
      cause: error,
    });
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new LockkeeperError('USAGE', `the input file cannot be read: ${errorMessage(error)}`, { cause: error });
  }
}

/** Lets the job judge its input before anything is started. @throws {LockkeeperError} JOB_INPUT_INVALID */
export function checkInput(definition: AnyJob, input: unknown): void {
  try {
    definition.options.parseInput?.(input);
  } catch (error) {
    throw new LockkeeperError(
      'JOB_INPUT_INVALID',
      `job ${definition.name} does not take this input: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}
