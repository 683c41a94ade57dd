import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { resolvePlan, withQueues } from '../../src/config/index.ts';
import type { ResolvedPlan } from '../../src/protocol.ts';
import { configOf, errorOf } from './folder.ts';

const YAML = `
environment: test
drain: { deadline: 2m, onTimeout: abort }
queues:
  raw:
  imports: { after: [raw] }
  reports: { after: [imports] }
participants: [cron-host]
databases: { app: { env: APP_DATABASE_URL } }
plans:
  release:
    onFailure: hold
    hold: 5m
    drain: { onTimeout: wait, wait: 30s }
    parameters: { version: { pattern: "v[0-9.]+|latest", required: true }, note: }
    steps:
      - migrate: ./migrations
        database: app
      - command: [./bin/restart.sh, --all, ./as-it-is]
        name: restart
        idempotent: true
        timeout: 10m
        cwd: ./work
        env: { KEY: value }
        rollback: [../restart.sh, --back]
      - command: [systemctl, reload]
      - external: true
        name: ci
        lease: 5s
        claimWithin: 1m
        rollback: [undo]
  some: { queues: [reports, raw], steps: [external: true] }
  none: { queues: [], steps: [external: true] }
`;
const config = async () => withQueues(await configOf(YAML), []);

test('a plan is complete: every default, every path absolute', async () => {
  const loaded = await config();
  const directory = loaded.directory;
  const cwd = join(directory, 'work');
  const expected: ResolvedPlan = {
    name: 'release',
    queues: [
      { taskQueue: 'raw', after: [] },
      { taskQueue: 'imports', after: ['raw'] },
      { taskQueue: 'reports', after: ['imports'] },
    ],
    participants: ['cron-host'],
    drain: { deadlineMs: 120_000, onTimeout: 'wait', waitMs: 30_000 },
    steps: [
      {
        type: 'migrate',
        name: 'migrate',
        timeoutMs: 3_600_000,
        directory: join(directory, 'migrations'),
        database: 'app',
      },
      {
        type: 'command',
        name: 'restart',
        timeoutMs: 600_000,
        idempotent: true,
        command: { argv: [join(directory, 'bin/restart.sh'), '--all', './as-it-is'], cwd, env: { KEY: 'value' } },
        rollback: { argv: [join(directory, '../restart.sh'), '--back'], cwd, env: { KEY: 'value' } },
      },
      {
        type: 'command',
        name: 'command',
        timeoutMs: 3_600_000,
        idempotent: false,
        command: { argv: ['systemctl', 'reload'], cwd: directory },
      },
      {
        type: 'external',
        name: 'ci',
        timeoutMs: 3_600_000,
        leaseMs: 5_000,
        claimWithinMs: 60_000,
        rollback: { argv: ['undo'], cwd: directory },
      },
    ],
    onFailure: 'hold',
    holdMs: 300_000,
  };
  const plan = resolvePlan(loaded, 'release', { version: 'v1.2' });
  expect(plan).toStrictEqual(expected);
  expect(JSON.parse(JSON.stringify(plan))).toStrictEqual(expected);
});

test('`default` is one external step, with the drain of the environment', async () => {
  expect(resolvePlan(await config(), 'default')).toMatchObject({
    name: 'default',
    drain: { deadlineMs: 120_000, onTimeout: 'abort', waitMs: 600_000 },
    steps: [{ type: 'external', name: 'external' }],
    onFailure: 'rollback',
  });
});

test('a plan of some queues keeps their order, also through those it leaves out', async () => {
  expect(resolvePlan(await config(), 'some').queues).toEqual([
    { taskQueue: 'raw', after: [] },
    { taskQueue: 'reports', after: ['raw'] },
  ]);
});

test('a plan may pause nothing', async () => {
  expect(resolvePlan(await config(), 'none').queues).toEqual([]);
});

describe('refused', () => {
  test.each([
    ['an unknown plan', 'relase', {}, 'unknown plan `relase`, did you mean `release`?'],
    ['a plan unlike any other', 'x', {}, 'unknown plan `x`; known: `default`, `release`, `some`, `none`'],
    ['a name of Object.prototype', 'constructor', {}, 'unknown plan `constructor`; known: '],
    [
      'a missing parameter',
      'release',
      {},
      'plan `release`: parameter `version` is missing: expected a match of v[0-9.]+|latest',
    ],
    [
      'a value that does not match',
      'release',
      { version: 'x' },
      'parameter `version` must match v[0-9.]+|latest as a whole, found "x"',
    ],
    ['a value that matches in part', 'release', { version: 'v1; reboot' }, 'must match'],
    ['a value with a line after the match', 'release', { version: 'v1\n' }, 'must match'],
    ['an unknown parameter', 'release', { version: 'v1', nte: '' }, 'unknown parameter `nte`, did you mean `note`?'],
    [
      'a parameter where there is none',
      'default',
      { version: 'v1' },
      'plan `default`: unknown parameter `version`; there is none',
    ],
    ['a name from Object.prototype', 'release', { version: 'v1', toString: 'x' }, 'unknown parameter `toString`'],
  ])('%s', async (_title, plan, parameters, message) => {
    const loaded = await config();
    const error = await errorOf(() => resolvePlan(loaded, plan, parameters));
    expect(error.code).toBe('DEPLOY_INVALID');
    expect(error.message).toContain(message);
  });

  test('everything wrong with the parameters at once', async () => {
    const loaded = await config();
    const error = await errorOf(() => resolvePlan(loaded, 'release', { vresion: 'v1', note: 3 as unknown as string }));
    expect(error.message).toContain('`vresion`, did you mean `version`?');
    expect(error.message).toContain('`version` is missing');
    expect(error.message).toContain('`note` must be a string, found number');
  });
});

describe('withQueues', () => {
  const noQueues = 'environment: test\njobs: a\nplans: { p: { queues: [import], steps: [external: true] } }';

  test('declared queues win', async () => {
    expect(withQueues(await configOf(YAML), ['others']).queues.map(({ taskQueue }) => taskQueue)).toEqual([
      'raw',
      'imports',
      'reports',
    ]);
  });

  test('without them, the queues of the jobs, each once', async () => {
    const loaded = withQueues(await configOf('environment: test\njobs: a'), ['b', 'a', 'b']);
    expect(resolvePlan(loaded, 'default').queues).toEqual([
      { taskQueue: 'b', after: [] },
      { taskQueue: 'a', after: [] },
    ]);
  });

  test('a plan that pauses a queue on which there is no job', async () => {
    const loaded = await configOf(noQueues);
    const error = await errorOf(() => withQueues(loaded, ['imports']));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain('plan `p`: unknown queue `import`, did you mean `imports`?');
  });
});
