import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { loadConfig, resolvePlan, withQueues } from '../../src/config/index.ts';
import { configSchema } from '../../src/config/schema/config.ts';
import { STEP_TYPES, STEPS } from '../../src/config/schema/steps.ts';

const FILE = fileURLToPath(new URL('../../src/config/example.yaml', import.meta.url));

/** What a zod schema is made of, as far as options can be inside. */
interface Inside {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly entries?: Readonly<Record<string, string>>;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly element?: z.ZodType;
}

/** Every option below the schema, as a path in which `*` is any key or index, and every choice as a path ending in it. */
function optionsIn(schema: z.ZodType, path = ''): string[] {
  const inside = schema.def as unknown as Inside;
  return [
    ...Object.entries(inside.shape ?? {}).flatMap(([key, value]) => [
      `${path}.${key}`,
      ...optionsIn(value, `${path}.${key}`),
    ]),
    ...[inside.innerType, inside.in, inside.out].flatMap((inner) => (inner ? optionsIn(inner, path) : [])),
    ...[inside.valueType, inside.element].flatMap((inner) => (inner ? optionsIn(inner, `${path}.*`) : [])),
  ];
}

function choicesIn(schema: z.ZodType): string[] {
  const { shape, entries, innerType, in: from, out, valueType, element } = schema.def as unknown as Inside;
  const inner = [...Object.values(shape ?? {}), innerType, from, out, valueType, element];
  return [...Object.keys(entries ?? {}), ...inner.flatMap((part) => (part ? choicesIn(part) : []))];
}

function pathsIn(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, `${path}.${key}`))];
}

const written = pathsIn(parse(readFileSync(FILE, 'utf8')));
const isWritten = (option: string) => {
  const pattern = new RegExp(
    `^${option
      .split('.')
      .map((key) => (key === '*' ? '[^.]+' : key))
      .join('\\.')}$`,
  );
  return written.some((path) => pattern.test(path));
};

test('the schema is walked as a whole', () => {
  const options = optionsIn(configSchema);
  expect(options).toContain('.environment');
  expect(options).toContain('.databases.*.env');
  expect(options).toContain('.plans.*.drain.onTimeout');
  expect(options).toContain('.plans.*.parameters.*.required');
  expect(options.length).toBeGreaterThan(25);
});

test.each(optionsIn(configSchema))('the example has %s', (option) => {
  expect(isWritten(option)).toBe(true);
});

const parsed = parse(readFileSync(FILE, 'utf8')) as { plans: { release: { steps: Record<string, unknown>[] } } };
test.each(STEP_TYPES.flatMap((type) => optionsIn(STEPS[type]).map((option) => [type, option.slice(1)] as const)))(
  'the example has a %s step, and in some step the option %s',
  (type, option) => {
    const { steps } = parsed.plans.release;
    expect(steps.some((step) => type in step)).toBe(true);
    expect(steps.some((step) => option in step)).toBe(true);
  },
);

test.each([...new Set(choicesIn(configSchema))])('the example tells of the choice `%s`', (choice) => {
  expect(readFileSync(FILE, 'utf8')).toContain(choice);
});

test('the example loads, without any variable', async () => {
  const config = withQueues(await loadConfig(FILE, {}), []);
  expect(config.environment).toBe('production');
  expect(resolvePlan(config, 'release', { version: 'v1.2' }).steps.map(({ name }) => name)).toEqual([
    'migrate',
    'restart',
    'ci',
    'settle',
  ]);
});
