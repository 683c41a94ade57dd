import { expect, test } from 'vitest';
import { configOf, errorOf, problemsOf } from './folder.ts';

const base = 'environment: test\njobs: ./jobs.ts\n';

test.each([
  ['${E}', { E: 'live' }, 'live'],
  ['${E:-test}', { E: 'live' }, 'live'],
  ['${E:-test}', {}, 'test'],
  ['${E:-test}', { E: '' }, 'test'],
  ['a-${E}.${F:-x}-b', { E: '1' }, 'a-1.x-b'],
  ['"${E}"', { E: 'quoted' }, 'quoted'],
])('%s is replaced', async (text, env, expected) => {
  expect((await configOf(`jobs: a\nenvironment: ${text}`, env)).environment).toBe(expected);
});

test.each([
  ['$${E}', '${E}'],
  ['$E $', '$E $'],
  ['${E:-}', ''],
  ['${E:-a:-b}', 'a:-b'],
])('%s in a command is %j', async (text, expected) => {
  const config = await configOf(`${base}plans: { p: { steps: [{ command: [a], env: { X: '${text}' } }] } }`);
  expect(config.plans.get('p')!.steps[0]).toMatchObject({ command: { env: { X: expected } } });
});

test('a variable can give a number, a yes or no, and a duration', async () => {
  const yaml = `${base}worker: { maxConcurrentSlices: "\${N}", shutdownGrace: "\${D}" }
plans: { p: { steps: [{ command: [a], idempotent: "\${B}" }] } }`;
  const config = await configOf(yaml, { N: '7', D: '3s', B: 'true' });
  expect(config.worker).toMatchObject({ maxConcurrentSlices: 7, shutdownGraceMs: 3_000 });
  expect(config.plans.get('p')!.steps[0]).toMatchObject({ idempotent: true });
});

test('what a variable holds is text: it adds no options, and no variables', async () => {
  const config = await configOf(`environment: e\njobs: "\${J}"`, { J: 'a", worker: {}, x: "${K}' });
  expect(config.jobs).toEqual([expect.stringMatching(/a", worker: \{\}, x: "\$\{K\}$/)]);
});

test('keys are left alone', async () => {
  const config = await configOf('environment: e\nqueues: { "${Q}": }');
  expect(config.queues).toEqual([{ taskQueue: '${Q}', after: [] }]);
});

test.each([
  [
    'missing',
    'drain:\n  wait: ${W}',
    '4:9: `${W}` refers to the environment variable W, which is not set; set it or write `${W:-default}`',
  ],
  [
    'in the middle of a value',
    'workflows: a/${DIR}/b',
    '3:14: `${DIR}` refers to the environment variable DIR, which is not set; set it or write `${DIR:-default}`',
  ],
  [
    'no reference',
    'workflows: ${A-b}',
    '3:12: `${A-b}` is not `${NAME}` or `${NAME:-default}`; write `$${` for a plain `${`',
  ],
  ['without an end', 'workflows: "${A"', '3:13: `${A` never ends: a `}` is missing'],
])('%s', async (_title, yaml, problem) => {
  expect(await problemsOf(base + yaml)).toEqual([problem]);
});

test('several are reported at once, and an unknown option with a variable is still unknown', async () => {
  expect(await problemsOf('environment: ${A}${B}\njobs: a\nfoo: ${C}')).toEqual([
    expect.stringContaining('1:14: `${A}`'),
    expect.stringContaining('1:18: `${B}`'),
    expect.stringContaining('3:1: unknown option `foo`'),
    expect.stringContaining('3:6: `${C}`'),
  ]);
});

test('inside brackets without quotes the error says what to do', async () => {
  expect((await problemsOf(`${base}drain: { wait: \${W} }`))[0]).toContain(
    'inside { } and [ ] a ${…} needs quotes around it',
  );
});

test.each([
  'environment: "a ${S}"',
  'jobs: { a: "${S}" }\nworker: "${S}"',
  'drain: { wait: "${S}" }',
  'drain: { onTimeout: "${S}" }',
  'worker: { maxConcurrentSlices: "${S}" }',
  'worker: { shutdownGrace: "${D}" }',
  'participants: ["${S}", "${S}"]',
  'databases: { app: { env: "${S}" } }',
  'queues: { a: { after: ["${S}"] } }',
  'queues: { a: }\nplans: { p: { queues: ["${S}"], steps: [external: true] } }',
  'plans: { p: { steps: [{ command: "${S}" }, "${S}", { external: "${S}" }, { migrate: a, database: "${S}" }] } }',
  'plans: { p: { steps: [{ migrate: a, name: "${N}" }, { migrate: a, name: "${N}" }] } }',
  'plans: { p: { parameters: { a: { pattern: "(${S}" } }, steps: [external: true] } }',
])('an error never shows what a variable holds: %s', async (yaml) => {
  const error = await errorOf(configOf(`${yaml}\n`, { S: 'hunter 2', D: '987s', N: 'secretname' }));
  expect(error.message).toContain('${');
  expect(error.message).not.toMatch(/hunter|987|secretname/);
});
