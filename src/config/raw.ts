/*
 * Reading a config that may have any shape: checks across options run together with the schema, not after it, so that
 * everything that is wrong is reported at once. What has the wrong shape is skipped here: the schema reports it.
 */

export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const entriesOf = (value: unknown): [string, unknown][] => (isMap(value) ? Object.entries(value) : []);

export const keysOf = (value: unknown): string[] => entriesOf(value).map(([key]) => key);

export const field = (value: unknown, key: string): unknown => entriesOf(value).find(([name]) => name === key)?.[1];

export const itemsOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The strings of a list with their places in it. */
export function stringsOf(value: unknown): [number, string][] {
  return [...itemsOf(value).entries()].filter((entry): entry is [number, string] => typeof entry[1] === 'string');
}
