import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pages } from '../../scripts/docs/pages.ts';
import { ERROR_CODES } from '../../src/errors.ts';

const all = await pages();

test.each(all.map((page) => [page.path, page] as const))(
  '%s is what the sources say; `npm run docs:generate` writes it anew',
  (_path, { file, text }) => {
    expect(readFileSync(file, 'utf8')).toBe(text);
  },
);

const textOf = (path: string) => all.find((page) => page.path === path)!.text;

test('the page of the command line has commands in groups, their options, defaults and examples', () => {
  const page = textOf('docs/cli.md');
  expect(page).toContain('## `lockkeeper deploy run`');
  expect(page).toMatch(/`--temporal-port <port>`.*`7233`/);
  expect(page).toMatch(/`--id <id>`.*\*\*must be given\*\*/);
  expect(page).toContain('lockkeeper job list --state quarantined');
});

test('the page of errors has every code', () => {
  for (const code of ERROR_CODES) expect(textOf('docs/errors.md')).toContain(`\`${code}\``);
});
