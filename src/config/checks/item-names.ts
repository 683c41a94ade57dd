import type { Finding, Path } from '../problems.ts';
import { field } from '../raw.ts';
import type { Source } from '../source.ts';

/** Items of a list that are called the same; without a name each is called by its type. */
export function checkItemNames(
  source: Source,
  path: Path,
  items: readonly unknown[],
  typesOf: (raw: unknown) => readonly string[],
): Finding[] {
  const list = String(path.at(-1));
  const firsts = new Map<string, number>();
  return [...items.entries()].flatMap(([i, item]) => {
    const given = field(item, 'name') ?? undefined;
    const types = typesOf(item);
    const name = given ?? (types.length === 1 ? types[0] : undefined);
    if (typeof name !== 'string') return [];
    const other = firsts.get(name);
    if (other === undefined) {
      firsts.set(name, i);
      return [];
    }
    if (given === undefined) {
      const message = `without a \`name\` it is called \`${name}\`, as \`${list}[${other}]\` is already; give it one`;
      return [{ path: [...path, i], message }];
    }
    const at = [...path, i, 'name'];
    return [{ path: at, message: `${source.shown(at)} is the name of \`${list}[${other}]\` already; use another` }];
  });
}
