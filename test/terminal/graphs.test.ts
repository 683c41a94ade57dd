import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { ALL_JOBS, waiting } from '../app/graph-jobs.ts';
import { mend, openGraphScene, untilStates } from '../graphs/graph-scene.ts';
import { Processes } from '../support/processes.ts';
import { ENVIRONMENT } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { CTRL_C, TestTerminal } from '../support/terminal.ts';

const CONFIG = fileURLToPath(new URL('../app/graphs.yaml', import.meta.url));
const processes = new Processes();
const WITHIN = { within: 40_000 };
let scene: Scene;
let env: Record<string, string>;

beforeAll(async () => {
  scene = await openGraphScene();
  env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl, LOCKKEEPER_ENVIRONMENT: ENVIRONMENT };
});

const terminal = (words: readonly string[], columns = 100, more: Record<string, string> = {}) =>
  new TestTerminal(
    processes,
    [process.execPath, 'src/cli/main.ts', 'graph', ...words],
    { columns, rows: 30 },
    { env: { ...env, ...more } },
  );

/** What a command prints, and how it ends. */
async function run(words: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const command = processes.lockkeeper(['graph', ...words], { env });
  const { code } = await command.ended(WITHIN);
  return { code, stdout: command.stdout, stderr: command.stderr };
}

test('a graph is watched: lines of what became of its nodes, below them what goes on; in CI lines alone', async () => {
  const graph = await scene.graphs.start(waiting, undefined, { id: 'w' });
  const shown = await run(['show', 'w']);
  expect(shown.stdout).toMatch(
    /^w running, 0 of 4 done\ngraph waiting on queue reports, .*\nits nodes: no answer; does a worker serve its queue\?\n$/,
  );
  const live = terminal(['watch', 'w']);
  const left = terminal(['watch', 'w']);
  const ci = terminal(['watch', 'w'], 100, { CI: 'true' });
  await live.waitFor(/. w waits for a worker that serves its queue, \d+ s/, WITHIN);
  await scene.startWorker(ALL_JOBS);
  await live.waitFor(/^first done$/m, WITHIN);
  await live.waitFor(/. w running, 1 of 4 done: told, \d+ s/, WITHIN);
  await left.waitFor(/1 of 4 done/, WITHIN);
  left.type(CTRL_C);
  expect(await left.process.ended(WITHIN)).toMatchObject({ code: 130 });
  await ci.waitFor(/^told running$/m, WITHIN);
  await mend(scene, 'w/told');
  await graph.result();
  for (const one of [live, ci]) {
    expect(await one.process.ended(WITHIN)).toMatchObject({ code: 0 });
    const lines = (await one.see()).all.filter((line) => line !== '');
    expect(lines).toEqual(expect.arrayContaining(['told done', 'report done', 'other done']));
    expect(lines.join('')).not.toContain('of 4 done');
  }
  expect(ci.written).not.toContain('\x1b');
}, 120_000);

test('a failed graph: its table fits the screen and says what to do; a rerun does the rest', async () => {
  await scene.startWorker(ALL_JOBS);
  const started = await run(['start', 'partly', '--id', 'p', '--wait', '--config', CONFIG]);
  expect(started).toMatchObject({ code: 1, stdout: '' });
  expect(started.stderr).toContain(
    'lockkeeper: graph p failed: 1 of 5 nodes did not succeed: `bad` failed: the disk is full',
  );
  const shown = terminal(['show', 'p'], 60);
  await shown.process.ended(WITHIN);
  const screen = await shown.see();
  expect(screen.all.every((line) => line.length <= 60)).toBe(true);
  expect(
    screen.all.map((line) =>
      line
        .split(/\s{2,}/)
        .slice(0, 1)
        .concat(/done|failed|skipped/.exec(line)?.[0] ?? '')
        .join(' '),
    ),
  ).toEqual(expect.arrayContaining(['good done', 'bad failed', 'after skipped', 'last skipped', 'alone done']));
  expect(screen.all).toContain('Run again what did not succeed: lockkeeper graph rerun p');
  await mend(scene, 'p/bad');
  const again = await run(['rerun', 'p', '--wait']);
  expect(again).toMatchObject({ code: 0, stdout: '{"alone":"alone: 3","after":"after: 1"}\n' });
  expect(again.stderr).toMatch(/^graph p runs again: 3 nodes; 2 done before keep their results\n/);
  expect((await run(['list', '--state', 'done'])).stdout).toMatch(/^p\s+partly\s+reports\s+done\s+5\/5 /m);
}, 120_000);

test('wrong input: a name or id that is not there, with the one that was meant; nodes that cannot be', async () => {
  await scene.startWorker(ALL_JOBS);
  expect(await run(['start', 'nighly', '--config', CONFIG])).toMatchObject({
    code: 2,
    stderr: 'lockkeeper: there is no graph `nighly`, did you mean `nightly`? [GRAPH_UNKNOWN]\n',
  });
  const graph = await scene.graphs.start(waiting, undefined, { id: 'nightly-2026' });
  expect(await run(['cancel', 'nightly-2025'])).toMatchObject({
    code: 2,
    stderr: 'lockkeeper: there is no graph nightly-2025; did you mean `nightly-2026`? [GRAPH_NOT_FOUND]\n',
  });
  const twice = ['start', 'nightly', '--config', CONFIG, '--input', '{"repos":["a","a"],"to":1,"everyMs":1}'];
  expect(await run(twice)).toMatchObject({
    code: 2,
    stderr:
      'lockkeeper: graph nightly cannot be started: two nodes are named `mirror a`. Correct `nodes` where the graph is defined, or its input [GRAPH_INVALID]\n',
  });
  await untilStates(graph, { told: 'running' });
  expect((await run(['rerun', 'nightly-2026'])).stderr).toMatch(
    /^lockkeeper: graph nightly-2026 is running\. Wait for its end/,
  );
  expect(await run(['cancel', 'nightly-2026'])).toMatchObject({ code: 0 });
  const watched = await run(['watch', 'nightly-2026']);
  expect(watched.code).toBe(4);
  expect(watched.stderr).toContain(
    'lockkeeper: graph nightly-2026 cancelled. What is done stays; lockkeeper graph rerun nightly-2026 does the rest',
  );
}, 120_000);
