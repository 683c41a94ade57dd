import { describe, expect, test } from 'vitest';
import { freshLedger } from '../support/fresh-ledger.ts';
import { checkBlock } from './check-block.ts';
import { checkLinks } from './check-links.ts';
import { checkTypeScript } from './check-typescript.ts';
import { checkWords } from './check-words.ts';
import { PAGES, readPage } from './pages.ts';

const ledger = await freshLedger();

describe.each(PAGES)('%s', (path) => {
  const page = readPage(path);

  test('its TypeScript compiles with the types of the package', { timeout: 60_000 }, () => {
    expect(checkTypeScript(page)).toEqual([]);
  });

  test.each(page.blocks.filter(({ lang }) => lang !== 'ts').map((block) => [block.at, block] as const))(
    '%s is what it says',
    async (_, block) => {
      expect(await checkBlock(block, ledger)).toEqual([]);
    },
  );

  test('the commands, files, codes and constants that it names are there', () => {
    expect(checkWords(page)).toEqual([]);
  });
});

test('every link between the pages leads somewhere', async () => {
  expect(await checkLinks(PAGES)).toEqual([]);
});

test('every page of docs but the table of contents ends with what to read next', () => {
  // Written for those who build lockkeeper, or generated: looked up, not read in an order.
  const guides = [
    'introduction',
    'writing-jobs',
    'graphs',
    'testing-your-jobs',
    'deploying',
    'ci',
    'notices',
    'security',
    'limits',
    'index',
  ];
  for (const guide of guides) {
    const page = readPage(`docs/${guide}.md`);
    expect(page.headings.at(-1), guide).toBe('What to read next');
  }
});
