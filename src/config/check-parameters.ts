import { LockkeeperError } from '../errors.ts';
import type { ParameterSpec } from './config.ts';
import { unknownWord } from '../did-you-mean.ts';

/**
 * Refuses parameters that the plan does not declare, that are missing, or that do not match as a whole: a pattern
 * without anchors would let anything through that merely contains a match.
 * @throws {LockkeeperError} DEPLOY_INVALID, naming everything that is wrong
 */
export function checkParameters(
  plan: string,
  specs: ReadonlyMap<string, ParameterSpec>,
  parameters: Readonly<Record<string, string>>,
): void {
  const given = new Map(Object.entries(parameters));
  const problems = [
    ...[...given.keys()]
      .filter((name) => !specs.has(name))
      .map((name) => unknownWord('parameter', `\`${name}\``, name, [...specs.keys()])),
    ...[...specs].flatMap(([name, spec]) => checkParameter(name, spec, given.get(name))),
  ];
  if (problems.length > 0) throw new LockkeeperError('DEPLOY_INVALID', `plan \`${plan}\`: ${problems.join('\n')}`);
}

function checkParameter(name: string, { pattern, required }: ParameterSpec, value: unknown): string[] {
  if (value === undefined)
    return required
      ? [`parameter \`${name}\` is missing${pattern === undefined ? '' : `: expected a match of ${pattern}`}`]
      : [];
  if (typeof value !== 'string') return [`parameter \`${name}\` must be a string, found ${typeof value}`];
  if (pattern === undefined || new RegExp(`^(?:${pattern})$`).test(value)) return [];
  const shown = JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  return [`parameter \`${name}\` must match ${pattern} as a whole, found ${shown}`];
}
