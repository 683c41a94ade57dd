import { describe, expect, test } from 'vitest';
import { freshLedger } from '../support/fresh-ledger.ts';
import { checkBlock } from './check-block.ts';
import { checkLinks } from './check-links.ts';
import { checkTypeScript } from './check-typescript.ts';
import { checkWords } from './check-words.ts';
import { readPage } from './pages.ts';

/** Every check of the pages, on one where everything is wrong. */
const PATH = 'test/docs/broken.md';
const page = readPage(PATH);
const ledger = await freshLedger();
const blocks = page.blocks.filter(({ lang }) => lang !== 'ts');

/** What is found in each block, in their order. */
const EXPECTED = [
  /unknown option `quues`, did you mean `queues`\?/,
  /`lockkeeper deploy rnu`: .*unknown command 'rnu'/,
  /a manifest has no kind/,
  /nobody checks yaml of the kind helm/,
  /`lockkeeper jbo start count`: .*unknown command 'jbo'/,
  /unknown option '--inptu'/,
  /missing required argument 'id'/,
  /Unexpected end of JSON input/,
  /syntax error: unexpected end of file/,
  /has 1 commands to check, of which a shell reaches 0/,
  /there is no npm script dmeo/,
  /id "v 42" must be letters/,
  /JSON/,
  /relation "lockkeeper\.jbos" does not exist/,
  /nobody checks python/,
  /nobody checks a block without a language/,
];

test('a wrong yield does not compile', { timeout: 60_000 }, () => {
  expect(checkTypeScript(page)).toEqual([
    expect.stringMatching(/broken\.md:12: .*att: number.* in `async \*run\(job\) {`/),
  ]);
});

describe('each other block', () => {
  test('is expected to be wrong', () => {
    expect(blocks).toHaveLength(EXPECTED.length);
  });

  test.each(blocks.map((block, i) => [block.at, block, EXPECTED[i]!] as const))('%s', async (at, block, wrong) => {
    const found = (await checkBlock(block, ledger)).join('\n');
    expect(found).toMatch(wrong);
    expect(found).toContain(at);
  });
});

test('commands, options, files and codes that are not there', () => {
  expect(checkWords(page)).toEqual([
    expect.stringContaining('there is no relaese'),
    expect.stringContaining('there is no --stat'),
    expect.stringContaining('there is no src/jobs/defin-job.ts'),
    expect.stringContaining('nothing in the sources is called STATE_TOO_LAREG'),
  ]);
});

test('links that lead nowhere', async () => {
  const found = await checkLinks([PATH, 'docs/writing-jobs.md']);
  // Those of one line come in any order.
  expect(found.filter((line) => line.startsWith(PATH)).sort()).toEqual([
    expect.stringContaining('writing-jbos.md'),
    expect.stringContaining('exactly-onec'),
    expect.stringContaining('nowhere'),
  ]);
});
