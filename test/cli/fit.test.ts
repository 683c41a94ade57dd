import { expect, test } from 'vitest';
import { fitHeight } from '../../src/cli/board/fit-height.ts';
import { boardScreen } from '../../src/cli/board/screen.ts';
import type { Board } from '../../src/cli/board/screen.ts';
import { table } from '../../src/cli/table.ts';
import { paintFor } from '../../src/cli/terminal.ts';

const head = ['JOB', 'QUEUE', 'NOTE'];
const rows = [
  ['import-7', 'imports', 'reading the cities of the whole world'],
  ['import-8', 'imports', undefined],
];

test('a table that fits is not touched', () => {
  expect(table(head, rows, { width: 200, leaveOut: ['QUEUE'] })).toBe(table(head, rows));
});

test('the widest column is cut first, and what names the row is not', () => {
  expect(table(head, rows, { width: 40 }).split('\n')).toEqual([
    'JOB       QUEUE    NOTE',
    'import-7  imports  reading the cities o…',
    'import-8  imports  -',
  ]);
});

test('where the columns would become unreadable, the least important ones are left out', () => {
  expect(table(head, rows, { width: 34, leaveOut: ['QUEUE'] }).split('\n')).toEqual([
    'JOB       NOTE',
    'import-7  reading the cities of t…',
    'import-8  -',
  ]);
});

test('at last the first column is cut, too, and no line is wider than the screen', () => {
  for (const width of [6, 10, 15, 20]) {
    const lines = table(head, rows, { width, leaveOut: ['QUEUE', 'NOTE'] }).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
  }
});

test('wide characters count as two, and a note of two lines stays one row', () => {
  expect(table(['A', 'B'], [['世界', 'one\n  two']])).toBe('A     B\n世界  one two');
});

test('the longest part of a screen gives way, and says how much is not shown', () => {
  const part = (title: string, n: number) => ({ title, lines: Array.from({ length: n }, (_, i) => `${title}${i}`) });
  const fitted = fitHeight([part('a', 2), part('b', 20)], 12);
  expect(fitted[0]).toEqual(part('a', 2));
  expect(fitted[1]!.lines).toEqual(['b0', 'b1', 'b2', 'b3', 'b4', '… 15 more']);
});

const board: Board = {
  environment: 'production',
  deploys: [],
  gates: [
    { taskQueue: 'imports', state: 'closed', deploy: 'v42', since: new Date(0), runningSlices: 2, fencedNotStopped: 1 },
  ],
  jobs: Array.from({ length: 20 }, (_, n) => ({
    workflowId: `importCities-${n}-5f4dcc3b5aa765d61d8327deb882cf99`,
    name: 'importCities',
    taskQueue: 'imports',
    state: 'interrupted',
    seq: 12,
    progress: { done: 1, total: 4 },
    note: 'a note that says more than anybody wants to read on a board',
    gateClosedBy: null,
  })),
  jobsTotal: 31,
  builds: [],
};

test.each([
  [60, 20],
  [80, 24],
  [200, 50],
])('a board fits a terminal of %i columns and %i rows', (width, height) => {
  const lines = boardScreen(board, paintFor({ isTTY: false }), { width, height });
  expect(lines.length).toBeLessThanOrEqual(height);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
  const text = lines.join('\n');
  for (const what of ['Deploys (0)', 'imports', 'closed', 'v42', 'interrupted', '1/4 (25 %)', 'Workers alive'])
    expect(text).toContain(what);
});
