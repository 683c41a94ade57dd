import { z } from 'zod';
import { didYouMean } from '../../did-you-mean.ts';
import { keysOf } from '../raw.ts';
import type { IssueParams } from './values.ts';

/** Maps with options, of which the first one of each gives it its type. */
export type Types = Readonly<Record<string, z.ZodType>>;

/** What a map of one of these types is read as. */
export type Typed<T extends Types> = { [K in keyof T & string]: { readonly type: K } & z.output<T[K]> }[keyof T &
  string];

const TYPES = new WeakMap<z.core.$ZodType, Types>();

/** The types of an item that is of one of several; undefined: it is something else. */
export const typesOf = (schema: z.core.$ZodType): Types | undefined => TYPES.get(schema);

/** The types a raw item claims to have: exactly one, if it is right. */
export const typesIn = <T extends Types>(types: T, raw: unknown): (keyof T & string)[] =>
  Object.keys(types).filter((type) => keysOf(raw).includes(type));

/** An item of exactly one of the types. `what` begins the words of an error: `a step`. */
export function typed<T extends Types>(types: T, what: string) {
  const known = Object.keys(types);
  const item = z.unknown().transform((raw, context): Typed<T> => {
    const [type, ...more] = typesIn(types, raw);
    if (type === undefined || more.length > 0) {
      context.issues.push({
        code: 'custom',
        input: raw,
        message: `${what} with exactly one of ${known.join(', ')}`,
        params: { found: foundInstead(raw, known) } satisfies IssueParams,
      });
      return z.NEVER;
    }
    const parsed = types[type]!.safeParse(raw);
    if (parsed.success) return { type, ...(parsed.data as object) } as Typed<T>;
    context.issues.push(...(parsed.error.issues as typeof context.issues));
    return z.NEVER;
  });
  TYPES.set(item, types);
  return item;
}

function foundInstead(raw: unknown, known: readonly string[]): string | undefined {
  const keys = keysOf(raw);
  if (keys.length === 0) return undefined;
  const words = keys.map((key) => {
    const meant = didYouMean(key, known);
    return meant === undefined || meant === key ? `\`${key}\`` : `\`${key}\` (did you mean \`${meant}\`?)`;
  });
  return `one with ${words.join(', ')}`;
}
