import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema } from '../../src/config/schema/json-schema.ts';
import { PATTERN_ERROR } from '../../src/config/schema/json-shape.ts';
import { configOf } from './folder.ts';

const ajv = new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true });
ajv.addVocabulary([PATTERN_ERROR]);
const validate = ajv.compile(configJsonSchema());
const read = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');

/** What the schema finds wrong, as an editor would show it. */
function problemsIn(yaml: string): string[] {
  validate(parse(yaml));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

const accepts = (yaml: string) => problemsIn(yaml).length === 0;
const loads = (yaml: string) =>
  configOf(yaml, { WAIT: '5m', N: '3' }).then(
    () => true,
    () => false,
  );

const plan = (step: string) => `environment: e\nqueues: { q: }\nplans:\n  p:\n    steps:\n      - ${step}\n`;

test.each([
  ['src/config/example.yaml', '../../src/config/example.yaml'],
  ['the config of the demo', '../../examples/cities/lockkeeper.yaml'],
  ['the config of the Markov chains', '../../examples/mcmc/lockkeeper.yaml'],
  ['the config of the mirrors', '../../examples/mirror/lockkeeper.yaml'],
  ['the config of the tests', '../app/lockkeeper.yaml'],
])('%s fits the schema', (_name, path) => {
  expect(problemsIn(read(path))).toEqual([]);
});

test('an unknown option is found where it is', () => {
  const problems = problemsIn('environment: e\njobs: ./jobs.ts\nworker: { shutdownGrce: 5s }\n');
  expect(problems).toContain('/worker must NOT have additional properties');
});

test('each option has a description with its default, and each choice is offered', () => {
  const text = JSON.stringify(configJsonSchema());
  expect(text).toContain('"enum":["abandon","wait","abort"]');
  const { properties } = configJsonSchema() as { properties: Record<string, { description?: string }> };
  for (const [option, { description }] of Object.entries(properties))
    expect([option, description]).not.toContain(undefined);
  expect(properties['queues']!.description).toBe(
    'The task queues that deploys pause. Default: those of the exported jobs.',
  );
});

const GOOD = [
  'environment: e\njobs: ./jobs.ts\n',
  'environment: ${NOT_SET:-e}\njobs: [./a.ts, ./b.ts]\nworkflows: ./w.ts\n',
  'environment: e\nqueues:\n  a:\n  b: { after: [a] }\n',
  'environment: e\nqueues: { q: }\nworker: { shutdownGrace: 5, shutdownForce: 6000, maxConcurrentSlices: "20" }\n',
  'environment: e\nqueues: { q: }\nworker: { maxConcurrentSlices: "${N}", buildId: "7" }\n',
  'environment: e\nqueues: { q: }\ndrain: { deadline: "${WAIT}", onTimeout: "${NOT_SET:-wait}", wait: 0 }\n',
  'environment: e\nqueues: { q: }\ndrain:\nworker:\nplans:\ndatabases:\nparticipants: []\n',
  'environment: e\nqueues: { q: }\ndatabases: { app: { env: APP_URL } }\n',
  plan('migrate: ./m'),
  plan('{ command: [./a], idempotent: true, env: { A: b }, cwd: x, rollback: [./b], name: n, timeout: 1.5h }'),
  plan('{ command: [./a], idempotent: "true" }'),
  plan('{ external: true, lease: 5s, claimWithin: 60000 }'),
];

const BROKEN = [
  'jobs: ./jobs.ts\n',
  'environment: e\n',
  'environment: -e\njobs: ./jobs.ts\n',
  'environment: 7\njobs: ./jobs.ts\n',
  'environment: e\njobs: ""\n',
  'environment: e\njobs: 5\n',
  'environment: e\njobs: ./jobs.ts\njob: ./jobs.ts\n',
  'environment: e\nqueues: [a]\n',
  'environment: e\nqueues: { a: { after: b } }\n',
  'environment: e\nqueues: { a: , b: { after: [a, a] } }\n',
  'environment: e\nqueues: { q: }\ndrain: { deadline: soon }\n',
  'environment: e\nqueues: { q: }\ndrain: { deadline: 0 }\n',
  'environment: e\nqueues: { q: }\ndrain: { deadline: 0s }\n',
  'environment: e\nqueues: { q: }\ndrain: { deadline: -5 }\n',
  'environment: e\nqueues: { q: }\ndrain: { deadline: 30 s }\n',
  'environment: e\nqueues: { q: }\ndrain: { onTimeout: pause }\n',
  'environment: e\nqueues: { q: }\nworker: { maxConcurrentSlices: 0 }\n',
  'environment: e\nqueues: { q: }\nworker: { maxConcurrentSlices: 1.5 }\n',
  'environment: e\nqueues: { q: }\nworker: { buildId: 7 }\n',
  'environment: e\nqueues: { q: }\nparticipants: [a, a]\n',
  'environment: e\nqueues: { q: }\nparticipants: [a b]\n',
  'environment: e\nqueues: { q: }\ndatabases: { app: { env: "postgres://x" } }\n',
  'environment: e\nqueues: { q: }\ndatabases: { "a b": { env: A } }\n',
  'environment: e\nqueues: { q: }\ndatabases: { app: }\n',
  'environment: e\nqueues: { q: }\nplans: { p: { steps: [] } }\n',
  'environment: e\nqueues: { q: }\nplans: { p: {} }\n',
  'environment: e\nqueues: { q: }\nplans: { p: { steps: [external: true], parameters: { "1a": } } }\n',
  'environment: e\nqueues: { q: }\nplans: { p: { steps: [external: true], parameters: { a: { required: ja } } } }\n',
  plan('command: ./deploy.sh'),
  plan('command: []'),
  plan('{ command: [./a], migrate: ./m }'),
  plan('comand: [./a]'),
  plan('{ command: [./a, 5] }'),
  plan('{ command: [./a], env: { A: 5 } }'),
  plan('{ command: [./a], lease: 5s }'),
  plan('external: false'),
  plan('{ external: true, timeout: 0 }'),
];

test.each(GOOD)('schema and loader both take: %j', async (yaml) => {
  expect({ schema: problemsIn(yaml), loader: await loads(yaml) }).toEqual({ schema: [], loader: true });
});

test.each(BROKEN)('schema and loader both refuse: %j', async (yaml) => {
  expect({ schema: accepts(yaml), loader: await loads(yaml) }).toEqual({ schema: false, loader: false });
});
