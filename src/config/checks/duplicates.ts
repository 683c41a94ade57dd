import type { Finding } from '../problems.ts';
import { field, stringsOf } from '../raw.ts';
import type { Source } from '../source.ts';

/** A list of names that names one twice. */
export function duplicates(source: Source, path: readonly (string | number)[]): Finding[] {
  const list = path.reduce<unknown>(
    (value, key) => (Array.isArray(value) ? (value[Number(key)] as unknown) : field(value, String(key))),
    source.value,
  );
  const seen = new Set<string>();
  return stringsOf(list).flatMap(([i, name]) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ path: [...path, i], message: `${source.shown([...path, i])} is in this list twice` }];
  });
}
