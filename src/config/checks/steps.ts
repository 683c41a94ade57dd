import { LEDGER_DATABASE } from '../config.ts';
import { unknownWord } from '../../did-you-mean.ts';
import type { Finding, Path } from '../problems.ts';
import { field, isMap, keysOf } from '../raw.ts';
import { checkItemNames } from './item-names.ts';
import { stepTypes } from '../schema/steps.ts';
import type { Source } from '../source.ts';

/** Codes of a deploy count steps from 601 to 699. */
const MOST_STEPS = 99;

/** Steps that get in each other's way, or that migrate a database that does not exist. */
export function checkSteps(source: Source, path: Path, steps: readonly unknown[]): Finding[] {
  return [
    ...checkNumber(path, steps),
    ...checkExternal(path, steps),
    ...checkItemNames(source, path, steps, stepTypes),
    ...steps.flatMap((step, i) => checkDatabase(source, [...path, i, 'database'], step)),
  ];
}

function checkNumber(path: Path, steps: readonly unknown[]): Finding[] {
  if (steps.length <= MOST_STEPS) return [];
  return [{ path: [...path, MOST_STEPS], message: `a plan has at most ${MOST_STEPS} steps, found ${steps.length}` }];
}

function checkExternal(path: Path, steps: readonly unknown[]): Finding[] {
  const [first, ...others] = [...steps.keys()].filter((i) => stepTypes(steps[i]).includes('external'));
  return others.map((i) => ({
    path: [...path, i],
    message: `a plan has at most one external step, and \`steps[${first!}]\` is one already`,
  }));
}

function checkDatabase(source: Source, path: Path, step: unknown): Finding[] {
  const database = field(step, 'database');
  const databases = field(source.value, 'databases') ?? {};
  const known = [LEDGER_DATABASE.name, ...keysOf(databases)];
  if (typeof database !== 'string' || !isMap(databases) || known.includes(database)) return [];
  return [{ path, message: unknownWord('database', source.shown(path), database, known) }];
}
