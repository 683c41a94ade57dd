import { LEDGER_DATABASE } from '../config.ts';
import { unknownWord } from '../../did-you-mean.ts';
import type { Finding, Path } from '../problems.ts';
import { field, isMap, keysOf } from '../raw.ts';
import { stepTypes } from '../schema/steps.ts';
import type { Source } from '../source.ts';

/** Codes of a deploy count steps from 601 to 699. */
const MOST_STEPS = 99;

/** Steps that get in each other's way, or that migrate a database that does not exist. */
export function checkSteps(source: Source, path: Path, steps: readonly unknown[]): Finding[] {
  return [
    ...checkNumber(path, steps),
    ...checkExternal(path, steps),
    ...checkNames(source, path, steps),
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

function checkNames(source: Source, path: Path, steps: readonly unknown[]): Finding[] {
  const firsts = new Map<string, number>();
  return [...steps.entries()].flatMap(([i, step]) => {
    const given = field(step, 'name') ?? undefined;
    const types = stepTypes(step);
    const name = given ?? (types.length === 1 ? types[0] : undefined);
    if (typeof name !== 'string') return [];
    const other = firsts.get(name);
    if (other === undefined) {
      firsts.set(name, i);
      return [];
    }
    if (given === undefined) {
      const message = `without a \`name\` it is called \`${name}\`, as \`steps[${other}]\` is already; give it one`;
      return [{ path: [...path, i], message }];
    }
    const at = [...path, i, 'name'];
    return [{ path: at, message: `${source.shown(at)} is the name of \`steps[${other}]\` already; use another` }];
  });
}

function checkDatabase(source: Source, path: Path, step: unknown): Finding[] {
  const database = field(step, 'database');
  const databases = field(source.value, 'databases') ?? {};
  const known = [LEDGER_DATABASE.name, ...keysOf(databases)];
  if (typeof database !== 'string' || !isMap(databases) || known.includes(database)) return [];
  return [{ path, message: unknownWord('database', source.shown(path), database, known) }];
}
