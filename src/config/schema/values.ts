import { z } from 'zod';
import { DURATION_PATTERN, milliseconds } from '../../duration.ts';
import { NAME_PATTERN } from '../../protocol.ts';
import { didYouMean, unknownWord } from '../../did-you-mean.ts';
import { isMap } from '../raw.ts';
import { shaped, written } from './json-shape.ts';

/*
 * The kinds of values an option can have. The error text of each is what an error says after "expected".
 */

/** What an issue with a message of our own says beside it. */
export interface IssueParams {
  /** It is the last key of the path that is wrong. */
  readonly atKey?: boolean;
  /** What was found, where the value itself would not tell. */
  readonly found?: string | undefined;
}

/** Left out, or there with nothing behind it (its lines are commented out): both mean the default. */
export const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

/** A map with these options and no others. Unknown ones are named in the issue's message, one per line, in the order of its `keys`. */
export function options<const Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownWord('option', `\`${key}\``, key, known)).join('\n')
        : `a map with the options ${known.join(', ')}`,
  });
}

const NAME = 'a name of letters, digits, `.`, `_` or `-`, at most 100, beginning with a letter or digit';
export const name = shaped(z.string({ error: NAME }).regex(NAME_PATTERN, { error: NAME }), ({ pattern }) =>
  written(NAME, pattern),
);

/** Names that become, or stand for, environment variables. */
export const variableNamed = (expected: string) =>
  shaped(z.string({ error: expected }).regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: expected }), ({ pattern }) =>
    written(expected, pattern),
  );
export const variableName = variableNamed('a name of letters, digits and `_`, beginning with a letter or `_`');

/** In place of `min(1)`, which also speaks up when the type is wrong but happens to have a length. */
export const isNotEmpty = (value: { readonly length: number }) => value.length > 0;

export const text = (expected: string) =>
  shaped(z.string({ error: expected }).refine(isNotEmpty, { error: expected }), () => ({
    type: 'string',
    minLength: 1,
  }));

export const list = <T extends z.ZodType>(item: T, expected: string) => z.array(item, { error: expected });

/** A list of names, none of them twice, which is for `checks/` to say. */
export const names = <T extends z.ZodType>(item: T, expected: string) =>
  shaped(list(item, expected), (generated) => ({ ...generated, uniqueItems: true }));

/** A map whose keys are names. They are checked also when a value is wrong: everything is reported at once. */
export const mapOf = <T extends z.ZodType>(key: z.ZodType, value: T, expected: string) =>
  shaped(
    z.record(z.string(), value, { error: expected }).superRefine(
      (map, context) => {
        for (const found of Object.keys(map)) {
          const message = key.safeParse(found).error?.issues[0]?.message;
          if (message !== undefined)
            context.addIssue({ code: 'custom', path: [found], message, params: { atKey: true } satisfies IssueParams });
        }
      },
      { when: (payload) => isMap(payload.value) },
    ),
    // Keys are never made of variables.
    (generated) => ({ ...generated, propertyNames: z.toJSONSchema(key, { target: 'draft-7' }) }),
  );

/** Argv. There is no shell, and so no string to split. */
export const argv = shaped(
  list(
    text('a word; put numbers in quotes'),
    'a list of words such as [./restart.sh, --all]: write it as a list; no shell is involved',
  ).refine(isNotEmpty, { error: 'a list with at least the program to run' }),
  (generated) => ({ ...generated, minItems: 1 }),
).transform((words) => words as [string, ...string[]]);

/** Variables can only give strings, so that a number or a yes-or-no may come as one. */
export const count = (expected: string, least: 0 | 1 = 1) =>
  shaped(
    z.preprocess(
      (value) => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value),
      z.int({ error: expected }).min(least, { error: expected }),
    ),
    () => ({
      anyOf: [{ type: 'integer', minimum: least }, written(expected, least === 1 ? '^0*[1-9]\\d*$' : '^\\d+$')],
    }),
  );
const PORT = 'a port from 0 to 65535';
export const portNumber = shaped(
  z.preprocess(
    (value) => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value),
    z.int({ error: PORT }).min(0, { error: PORT }).max(65_535, { error: PORT }),
  ),
  () => ({ anyOf: [{ type: 'integer', minimum: 0, maximum: 65_535 }, written(PORT, '^\\d{1,5}$')] }),
);
const YES_OR_NO: Readonly<Record<string, boolean>> = { true: true, false: false };
export const yesOrNo = shaped(
  z.preprocess(
    (value) => (typeof value === 'string' ? (YES_OR_NO[value] ?? value) : value),
    z.boolean({ error: 'true or false' }),
  ),
  () => ({ anyOf: [{ type: 'boolean' }, written('true or false', '^(true|false)$')] }),
);

const DURATION = 'a duration such as 30s or 5m';
const duration = z
  .union([z.string(), z.number()], { error: DURATION })
  .refine((value) => DURATION_PATTERN.test(String(value)), { error: DURATION })
  .transform((value) => milliseconds(String(value)));
/** Milliseconds; 0 is one. */
export const durationOrZero = shaped(duration, () => ({
  anyOf: [written(DURATION, DURATION_PATTERN.source), { type: 'number', minimum: 0 }],
}));
/** Milliseconds; a deadline or lease of 0 would be over before it began. */
export const positiveDuration = shaped(
  duration.refine((ms) => ms > 0, { error: `${DURATION}, longer than 0` }),
  () => ({
    anyOf: [
      written(`${DURATION}, longer than 0`, `^(?!0+(\\.0+)?[a-z]*$)${DURATION_PATTERN.source.slice(1)}`),
      { type: 'number', exclusiveMinimum: 0 },
    ],
  }),
);

export const choice = <const T extends readonly [string, ...string[]]>(...values: T) =>
  shaped(z.enum(values, { error: ({ input }) => `${oneOf(values)}${meantOne(input, values)}` }), () => ({
    anyOf: [{ enum: [...values] }, written(oneOf(values))],
  }));
const oneOf = (values: readonly string[]) =>
  values.length === 2 ? values.join(' or ') : `one of ${values.join(', ')}`;

function meantOne(input: unknown, values: readonly string[]): string {
  const meant = typeof input === 'string' ? didYouMean(input, values) : undefined;
  return meant === undefined ? '' : ` (did you mean \`${meant}\`?)`;
}
