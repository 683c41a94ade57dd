import type { ResultOfNode } from './graphs.ts';
import { isResultInLedger } from './jobs.ts';

/** How deep an input may be nested: far deeper than anybody writes, and no danger to anybody's stack. */
export const DEEPEST_INPUT = 100;

/** `value` with `replace` applied wherever it says something; what is replaced is not looked into again. Pure. */
function replaceIn(
  value: unknown,
  replace: (part: object) => { readonly by: unknown } | undefined,
  depth = 0,
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEEPEST_INPUT) throw new RangeError(`it is nested deeper than ${DEEPEST_INPUT}`);
  const replaced = replace(value);
  if (replaced) return replaced.by;
  const inner = (part: unknown) => replaceIn(part, replace, depth + 1);
  if (Array.isArray(value)) return value.map(inner);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, inner(part)]));
}

const isResultOfNode = (part: object): part is ResultOfNode =>
  'lockkeeperResultOf' in part && typeof part.lockkeeperResultOf === 'string';

/** The nodes whose results are somewhere in `value`. @throws {RangeError} when it is nested too deep */
export function nodesIn(value: unknown): string[] {
  const found = new Set<string>();
  replaceIn(value, (part) => {
    if (isResultOfNode(part)) found.add(part.lockkeeperResultOf);
    return undefined;
  });
  return [...found];
}

/** `value` with the results of these nodes in their places. */
export const withResults = (value: unknown, results: ReadonlyMap<string, unknown>): unknown =>
  replaceIn(value, (part) =>
    isResultOfNode(part) && results.has(part.lockkeeperResultOf)
      ? { by: results.get(part.lockkeeperResultOf) }
      : undefined,
  );

/** Where the result of a node's job is: as its workflow says or, by an older version of it, as jobs are called there. */
export const keyOfResult = (result: unknown, firstRunId: string): string =>
  isResultInLedger(result) ? result.lockkeeperResultInLedger : `${firstRunId}/0`;
