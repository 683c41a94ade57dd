import { z } from 'zod';
import { documented } from './documented.ts';
import { shaped, written } from './json-shape.ts';
import { typed, typesIn } from './typed.ts';
import type { Typed } from './typed.ts';
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

/** What a step of any type may have, with what the example says in this one. */
const common = (example: { readonly name?: string; readonly timeout: string; readonly rollback?: string }) => ({
  name: documented(maybe(name), 'What it is called; unique in the plan', {
    default: 'its type',
    ...(example.name !== undefined && { example: example.name }),
  }),
  timeout: documented(maybe(positiveDuration), 'How long it may take', { default: '1h', example: example.timeout }),
  rollback: documented(
    maybe(argv),
    'The program, and its arguments, that undoes the step, also when it only began; with the same cwd and env',
    { default: 'none', ...(example.rollback !== undefined && { example: example.rollback }) },
  ),
});

/** The types of steps; the first option of each gives a step its type. */
export const STEPS = {
  migrate: options({
    migrate: documented(
      text('the directory of the migrations'),
      'SQL migrations of a directory, those not yet applied, all in one transaction',
      { example: './migrations' },
    ),
    database: documented(maybe(name), 'Which of `databases`', { default: 'ledger', example: 'app' }),
    ...common({ timeout: '15m' }),
  }),
  command: options({
    command: documented(
      argv,
      "A program and its arguments, as a list: no shell is involved. `./` is this file's directory",
      { example: '[./restart.sh, --all]' },
    ),
    idempotent: documented(
      maybe(yesOrNo),
      "Whether it may simply run again; if not, it is never run twice without a person's word",
      { default: 'false', example: 'true' },
    ),
    cwd: documented(maybe(text('a directory')), 'The directory it runs in', { default: '.', example: '.' }),
    env: documented(
      maybe(
        mapOf(variableName, z.string({ error: 'a string; put numbers in quotes' }), 'a map of environment variables'),
      ),
      "Variables besides the deploy worker's own. No secrets: what is written here is kept in the ledger; they belong into the environment of the deploy worker",
      { default: 'none', example: '{ SERVICES: web }' },
    ),
    ...common({ name: 'restart', timeout: '10m', rollback: '[./restart.sh, --back]' }),
  }),
  external: options({
    external: documented(
      shaped(
        z.preprocess((value) => (value === 'true' ? true : value), z.literal(true, { error: 'true' })),
        () => ({ anyOf: [{ const: true }, written('true', '^true$')] }),
      ),
      'Work of CI, around `lockkeeper deploy run` or between `deploy start` and `deploy finish`',
      { example: 'true' },
    ),
    lease: documented(maybe(positiveDuration), 'Silent for longer, CI has lost the deploy', {
      default: '15s',
      example: '15s',
    }),
    claimWithin: documented(maybe(positiveDuration), 'How long the step waits for CI to come', {
      default: '1m',
      example: '1m',
    }),
    ...common({ name: 'ci', timeout: '30m', rollback: '[./undo-ci.sh]' }),
  }),
  wait: options({
    wait: documented(positiveDuration, 'Nothing but a pause; `lockkeeper deploy skip-step` ends it before', {
      example: '30s',
    }),
    name: documented(maybe(name), 'What it is called; unique in the plan', { default: 'its type', example: 'settle' }),
  }),
};

export const STEP_TYPES = Object.keys(STEPS) as (keyof typeof STEPS)[];
export type StepConfig = Typed<typeof STEPS>;

/** The types a raw step claims to have: exactly one, if it is right. */
export const stepTypes = (raw: unknown) => typesIn(STEPS, raw);

export const steps = shaped(
  list(typed(STEPS, 'a step'), 'a list of steps').refine(isNotEmpty, { error: 'at least one step' }),
  (generated) => ({ ...generated, minItems: 1 }),
);
