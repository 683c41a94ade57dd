import { expect, test } from 'vitest';
import { boardScreen } from '../../src/cli/board/screen.ts';
import type { Board } from '../../src/cli/board/screen.ts';
import { plainConfig } from '../../src/cli/config.ts';
import { describeLive } from '../../src/cli/deploy/live-status.ts';
import { describeDev } from '../../src/cli/dev.ts';
import { explainError, formatError, formatUsageError } from '../../src/cli/report-error.ts';
import { formatTime, table } from '../../src/cli/table.ts';
import { paintFor } from '../../src/cli/terminal.ts';
import type { Config } from '../../src/config/index.ts';
import { LockkeeperError } from '../../src/errors.ts';

const plain = paintFor({ isTTY: false });
const empty: Board = { environment: 'production', deploys: [], gates: [], jobs: [], jobsTotal: 0, builds: [] };

test('colours on a terminal or where FORCE_COLOR asks for them, and never against NO_COLOR', () => {
  expect(paintFor({ isTTY: true }, {}).red('x')).not.toBe('x');
  expect(paintFor({ isTTY: true }, { NO_COLOR: '1' }).red('x')).toBe('x');
  expect(paintFor({ isTTY: false }, {}).red('x')).toBe('x');
  expect(paintFor({ isTTY: true }, { TERM: 'dumb' }).red('x')).toBe('x');
  expect(paintFor({ isTTY: false }, { FORCE_COLOR: '1' }).red('x')).not.toBe('x');
  expect(paintFor({ isTTY: true }, { FORCE_COLOR: '0' }).red('x')).toBe('x');
  expect(paintFor({ isTTY: false }, { FORCE_COLOR: '1', NO_COLOR: '1' }).red('x')).toBe('x');
});

test('a table has no lines, no trailing blanks, and a dash for nothing', () => {
  expect(
    table(
      ['A', 'LONGER'],
      [
        ['one', undefined],
        ['longer one', 0],
      ],
    ),
  ).toBe(['A           LONGER', 'one         -', 'longer one  0'].join('\n'));
});

test('times sort and are UTC', () => {
  expect(formatTime(new Date(Date.UTC(2026, 1, 3, 4, 5, 6)))).toBe('2026-02-03 04:05:06Z');
  expect(formatTime(undefined)).toBeUndefined();
});

test('an empty board says of each part that it is empty', () => {
  const screen = boardScreen(empty, plain).join('\n');
  for (const text of [
    'environment production',
    'none runs, none waits',
    'no worker has been here yet',
    'none has begun',
    'Workers alive\nnone',
  ]) {
    expect(screen).toContain(text);
  }
});

test('the board shows gates with their owner, jobs with progress, and builds', () => {
  const screen = boardScreen(
    {
      ...empty,
      gates: [
        {
          taskQueue: 'imports',
          state: 'closed',
          deploy: 'v42',
          since: new Date(0),
          runningSlices: 2,
          fencedNotStopped: 1,
        },
      ],
      jobs: [
        {
          workflowId: 'import-7',
          name: 'importCities',
          taskQueue: 'imports',
          state: 'interrupted',
          seq: 12,
          progress: { done: 1, total: 4 },
          note: 'reading cities',
          gateClosedBy: 'v42',
        },
      ],
      jobsTotal: 31,
      builds: [{ kind: 'worker', buildId: 'b7', workers: 3, stopping: 1, taskQueues: ['imports'] }],
    },
    plain,
  ).join('\n');
  expect(screen).toMatch(/imports +closed +v42 +2 +1/);
  expect(screen).toMatch(
    /import-7 +importCities +imports +interrupted +1\/4 \(25 %\) +12 +waits behind the gate that deploy v42 closed/,
  );
  expect(screen).toContain('Jobs (31, 1 shown)');
  expect(screen).toMatch(/worker +b7 +3 +1 +imports/);
});

test('where a deploy is, in one line', () => {
  const status = {
    deploy: 'v42',
    environment: 'p',
    code: 400,
    direction: 'forward',
    phase: 'draining',
    token: 1,
    draining: ['imports'],
    steps: [],
  } as const;
  expect(describeLive({ status })).toBe('draining (code 400), waiting for imports');
  expect(describeLive({ status: { ...status, held: { reason: 'doubt', until: 0 } } })).toBe(
    'held until 1970-01-01T00:00:00.000Z: doubt',
  );
  expect(describeLive({ ahead: ['v41'] })).toBe('waits for v41');
  expect(describeLive({ noAnswer: 'no worker' })).toBe('no answer: no worker');
});

test('`dev` shows the password only in the line to copy, quoted for a shell', () => {
  const text = describeDev(
    {
      temporalAddress: '127.0.0.1:7233',
      namespace: 'default',
      databaseUrl: "postgres://me:se'cret@127.0.0.1:5433/lockkeeper",
      stop: () => Promise.resolve(),
    },
    '.lockkeeper',
  );
  expect(text.split('\n').filter((line) => line.includes('cret'))).toEqual([
    `export DATABASE_URL='postgres://me:se'\\''cret@127.0.0.1:5433/lockkeeper'`,
  ]);
  expect(text).toContain('type `. .lockkeeper/env` there');
});

test('`config show` names variables without their values', () => {
  const config = {
    databases: new Map([['app', { env: 'APP_URL' }]]),
    steps: [{ command: { argv: ['x'], env: { TOKEN: 'secret' } } }],
  };
  expect(plainConfig(config as unknown as Config)).toEqual({
    databases: { app: { env: 'APP_URL' } },
    steps: [{ command: { argv: ['x'], env: { TOKEN: '(set)' } } }],
  });
});

test('an error is one line with its code; what belongs to it stands below', () => {
  expect(formatError(new LockkeeperError('USAGE', 'found a', { next: 'Do b' }), {})).toBe(
    'lockkeeper: found a. Do b [USAGE]',
  );
  expect(formatError(new LockkeeperError('CONFIG_INVALID', 'the config has 1 problem\na.yaml:1:1: x'), {})).toBe(
    'lockkeeper: the config has 1 problem [CONFIG_INVALID]\na.yaml:1:1: x',
  );
  expect(formatError(new Error('a', { cause: new Error('b') }), {})).toBe('lockkeeper: a: b');
});

test('a stack only for LOCKKEEPER_DEBUG=1', () => {
  expect(formatError(new Error('a'), { LOCKKEEPER_DEBUG: '1' })).toContain('\n    at ');
  expect(formatError(new Error('a'), {})).not.toContain('    at ');
});

test('a silent Temporal is called so, wherever in the causes the status stands', () => {
  const silent = Object.assign(new Error('14 UNAVAILABLE'), { code: 14 });
  expect(explainError(new Error('failed', { cause: silent }))).toMatchObject({ code: 'TEMPORAL_UNREACHABLE' });
  const other = Object.assign(new Error('nope'), { code: 5 });
  expect(explainError(other)).toBe(other);
});

test("Commander's complaints become one line", () => {
  expect(formatUsageError("error: unknown option '--jsn'\n(Did you mean --json?)\n")).toBe(
    "lockkeeper: unknown option '--jsn' (Did you mean --json?) [USAGE]\n",
  );
});
