import { z } from 'zod';
import { didYouMean } from '../did-you-mean.ts';
import { keysOf } from '../raw.ts';
import type { IssueParams } from './values.ts';
import {
  argv,
  isNotEmpty,
  list,
  mapOf,
  maybe,
  name,
  options,
  positiveDuration,
  text,
  variableName,
  yesOrNo,
} from './values.ts';

const common = { name: maybe(name), timeout: maybe(positiveDuration), rollback: maybe(argv) };

/** The types of steps; the first option of each gives a step its type. */
export const STEPS = {
  migrate: options({ migrate: text('the directory of the migrations'), database: maybe(name), ...common }),
  command: options({
    command: argv,
    idempotent: maybe(yesOrNo),
    cwd: maybe(text('a directory')),
    env: maybe(
      mapOf(variableName, z.string({ error: 'a string; put numbers in quotes' }), 'a map of environment variables'),
    ),
    ...common,
  }),
  external: options({
    external: z.preprocess((value) => (value === 'true' ? true : value), z.literal(true, { error: 'true' })),
    lease: maybe(positiveDuration),
    claimWithin: maybe(positiveDuration),
    ...common,
  }),
  wait: options({ wait: positiveDuration, name: maybe(name) }),
};

export const STEP_TYPES = Object.keys(STEPS) as (keyof typeof STEPS)[];
export type StepConfig = {
  [T in keyof typeof STEPS]: { readonly type: T } & z.output<(typeof STEPS)[T]>;
}[keyof typeof STEPS];

/** The types a raw step claims to have: exactly one, if it is right. */
export const stepTypes = (raw: unknown) => STEP_TYPES.filter((type) => keysOf(raw).includes(type));

const step = z.unknown().transform((raw, context): StepConfig => {
  const [type, ...more] = stepTypes(raw);
  if (type === undefined || more.length > 0) {
    const message = `a step with exactly one of ${STEP_TYPES.join(', ')}`;
    context.issues.push({
      code: 'custom',
      input: raw,
      message,
      params: { found: foundInstead(raw) } satisfies IssueParams,
    });
    return z.NEVER;
  }
  const parsed = STEPS[type].safeParse(raw);
  if (parsed.success) return { type, ...parsed.data } as StepConfig;
  context.issues.push(...(parsed.error.issues as typeof context.issues));
  return z.NEVER;
});

export const steps = list(step, 'a list of steps').refine(isNotEmpty, { error: 'at least one step' });

function foundInstead(raw: unknown): string | undefined {
  const keys = keysOf(raw);
  if (keys.length === 0) return undefined;
  const words = keys.map((key) => {
    const meant = didYouMean(key, STEP_TYPES);
    return meant === undefined || meant === key ? `\`${key}\`` : `\`${key}\` (did you mean \`${meant}\`?)`;
  });
  return `one with ${words.join(', ')}`;
}
