import { toString } from 'mdast-util-to-string';
import { expect, test } from 'vitest';
import * as defaults from '../../src/defaults.ts';
import { readPage } from './pages.ts';

/** What a limit reads like, in the unit that the page chose. */
function shown(name: string, value: unknown): string[] {
  if (typeof value !== 'number') return [String(value)];
  if (name.endsWith('_BYTES')) return [`${value / 1024} KiB`, `${value / 1024 / 1024} MiB`];
  return [`${value / 1000} s`, `${value} ms`, `${value}`];
}

const rows = readPage('docs/limits.md').rows.map(
  ({ at, row }) => [at, row.children.map((cell) => toString(cell))] as const,
);
const limits = rows.flatMap(([at, cells]) => {
  const name = cells.at(-1)!;
  return /^[A-Z]+(?:_[A-Z]+)+$/.test(name) ? [[name, at, cells] as const] : [];
});

test('the page names most of the defaults', () => {
  expect(limits.length).toBeGreaterThanOrEqual(20);
});

test.each(limits)('%s: the number of %s is that of the sources', (name, _, cells) => {
  const value = (defaults as Record<string, unknown>)[name];
  expect(value).toBeDefined();
  expect(shown(name, value)).toContain(cells[1]);
});
