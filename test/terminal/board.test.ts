import { beforeAll, expect, test } from 'vitest';
import { EFFECT_TABLE, countUntilTold } from '../app/count-job.ts';
import { BoardLine } from '../../src/cli/json/board.ts';
import { eventually } from '../support/eventually.ts';
import { LedgerProxy } from '../support/ledger-proxy.ts';
import { Processes } from '../support/processes.ts';
import { ENVIRONMENT, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { tcpGate } from '../support/tcp-gate.ts';
import { CTRL_C, TestTerminal } from '../support/terminal.ts';

const processes = new Processes();
const WITHIN = { within: 40_000 };
const WATCH = ['board', '--watch', '--interval', '300ms'];
let scene: Scene;
let env: Record<string, string>;

beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  await scene.startWorker([countUntilTold]);
  env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl, LOCKKEEPER_ENVIRONMENT: ENVIRONMENT };
});

const terminal = (columns: number, rows: number, more: Record<string, string> = {}) =>
  new TestTerminal(
    processes,
    [process.execPath, 'src/cli/main.ts', ...WATCH],
    { columns, rows },
    { env: { ...env, PTY_RESIZE: '80x24', ...more } },
  );

test.each([
  [60, 20],
  [80, 24],
  [200, 50],
])(
  'a board of %i columns and %i rows is drawn in place, and Ctrl-C leaves the terminal as it was',
  async (columns, rows) => {
    const watching = terminal(columns, rows);
    const seen = await watching.waitFor(/environment test[^]*numbers +open[^]*Ctrl-C ends/, WITHIN);
    expect(seen).toMatchObject({ fullScreen: true, cursorHidden: true });
    expect(seen.all).toHaveLength(rows);
    const first = watching.written.length;
    await eventually(() => expect(watching.written.length).toBeGreaterThan(first), WITHIN);
    watching.type(CTRL_C);
    expect(await watching.process.ended(WITHIN)).toMatchObject({ code: 130 });
    const after = await watching.see();
    expect(after).toMatchObject({ fullScreen: false, cursorHidden: false });
    expect(after.all.join('').replace('^C', '')).toBe('');
    expect(watching.process.stderr).toBe('');
  },
);

test('a terminal that becomes larger is filled anew', async () => {
  const watching = terminal(40, 10);
  const small = await watching.waitFor(/environment test/, WITHIN);
  expect(small.all.join('\n')).not.toContain('Workers alive\n');
  watching.resize({ columns: 80, rows: 24 });
  const large = await watching.waitFor(/Workers alive\nKIND/, WITHIN);
  expect(large.all.filter((line) => line.startsWith('environment'))).toHaveLength(1);
  watching.type(CTRL_C);
  expect(await watching.process.ended(WITHIN)).toMatchObject({ code: 130 });
});

test('Postgres or Temporal away: the screen says so, keeps what was known, and comes back by itself', async () => {
  const proxy = await LedgerProxy.start(scene.ledger.databaseUrl);
  const gate = await tcpGate(scene.temporal.address);
  const watching = terminal(100, 24, { DATABASE_URL: proxy.databaseUrl, TEMPORAL_ADDRESS: gate.address });
  await watching.waitFor(/environment test[^]*numbers +open/, WITHIN);
  proxy.goAway();
  const away = await watching.waitFor(/the ledger's Postgres has not answered for \d+ s, trying again/, WITHIN);
  expect(away.lines.join('\n')).toMatch(/numbers +open/);
  proxy.comeBack();
  await eventually(async () => expect((await watching.see()).all.join('\n')).not.toContain('has not answered'), WITHIN);
  gate.shut();
  await watching.waitFor(/Temporal has not answered for \d+ s[^]*numbers +open/, WITHIN);
  gate.open();
  await eventually(async () => expect((await watching.see()).all.join('\n')).not.toContain('has not answered'), WITHIN);
  watching.type(CTRL_C);
  expect(await watching.process.ended(WITHIN)).toMatchObject({ code: 130 });
  expect(await watching.see()).toMatchObject({ fullScreen: false, cursorHidden: false });
}, 120_000);

test('a ledger that was never there is an error like any other, and the screen is not touched', async () => {
  const watching = terminal(80, 24, { DATABASE_URL: 'postgres://me@127.0.0.1:1/x' });
  expect(await watching.process.ended(WITHIN)).toMatchObject({ code: 8 });
  expect(watching.written).toContain('[LEDGER_UNREACHABLE]');
  expect(watching.written).not.toContain('\x1b[?1049h');
});

test('without a terminal the board is printed when it has changed, for programs as lines of JSON', async () => {
  const proxy = await LedgerProxy.start(scene.ledger.databaseUrl);
  const through = { ...env, DATABASE_URL: proxy.databaseUrl };
  const plain = processes.lockkeeper(WATCH, { env: through });
  const json = processes.lockkeeper([...WATCH, '--json'], { env: through });
  for (const one of [plain, json]) await one.waitForLine(/numbers/, WITHIN);
  const boards = () => plain.stdout.match(/environment test/g)?.length ?? 0;
  expect(boards()).toBe(1);
  proxy.goAway();
  await plain.waitForLine(/the ledger's Postgres does not answer: /, WITHIN);
  await json.waitForLine(/"event":"away".*"what":"ledger"/, WITHIN);
  proxy.comeBack();
  await plain.waitForLine(/the ledger's Postgres answers again/, WITHIN);
  await json.waitForLine(/"event":"back".*"what":"ledger"/, WITHIN);
  expect(boards()).toBe(1);
  const job = await scene.jobs.start(countUntilTold, undefined, { id: 'seen-1' });
  await plain.waitForLine(/seen-1 +countUntilTold/, WITHIN);
  await json.waitForLine(/"workflowId":"seen-1"/, WITHIN);
  await scene.ledger.pool.query(`insert into effect (job, n, build) values ('seen-1', -1, 'v1')`);
  await job.result();
  for (const one of [plain, json]) {
    one.kill('SIGINT');
    expect(await one.ended(WITHIN)).toMatchObject({ code: 130 });
    expect(one.stdout).not.toContain('\x1b');
  }
  for (const line of json.stdout.trim().split('\n')) {
    const value: unknown = JSON.parse(line);
    expect(BoardLine.parse(value)).toEqual(value);
  }
}, 120_000);
