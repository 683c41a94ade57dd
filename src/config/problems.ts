import { isAbsolute, relative } from 'node:path';
import type { LineCounter } from 'yaml';
import { LockkeeperError } from '../errors.ts';

/** Where in the config a value is: keys of maps and indexes of lists. */
export type Path = readonly PropertyKey[];

/** What is wrong with one value of the config. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  /** It is the key that is wrong, not its value. */
  readonly atKey?: boolean;
}

/** What is wrong at one place of the file. */
export interface Problem {
  /** Characters from the beginning of the file. */
  readonly offset: number;
  readonly message: string;
}

/** `plans.release.steps[0].name` */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

/** One CONFIG_INVALID of all problems, one per line and in the order of the file: `file:line:column: what`. */
export function configInvalid(file: string, lines: LineCounter, problems: readonly Problem[]): LockkeeperError {
  const shown = shortPath(file);
  const list = [...problems]
    .sort((a, b) => a.offset - b.offset)
    .map(({ offset, message }) => {
      const { line, col } = lines.linePos(offset);
      return `${shown}:${line}:${col}: ${message}`;
    });
  const count = list.length === 1 ? '1 problem' : `${list.length} problems`;
  return new LockkeeperError('CONFIG_INVALID', `the config has ${count}\n${list.join('\n')}`);
}

/** Relative to the working directory where that is shorter to read; both forms can be clicked in a terminal. */
export function shortPath(file: string): string {
  const short = relative(process.cwd(), file);
  return short.startsWith('..') || isAbsolute(short) ? file : short;
}
