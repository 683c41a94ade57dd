import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { freshDatabase } from '../support/database.ts';
import { Processes } from '../support/processes.ts';
import { PROJECT, readPage } from './pages.ts';

const page = readPage('docs/testing-your-jobs.md');
const processes = new Processes();
const database = await freshDatabase();
const client = new pg.Client({ connectionString: database });
await client.connect();
await client.query('create table city (name text)');
await client.end();

/** Writes the blocks of the page as files, where the package is found, and runs those that are tests. */
async function runTests(
  change: (text: string) => string = (text) => text,
): Promise<{ code: number | null; said: string }> {
  const place = join(PROJECT, '.lockkeeper');
  await mkdir(place, { recursive: true });
  const folder = await mkdtemp(join(place, 'docs-'));
  atEnd(() => rm(folder, { recursive: true }));
  const tests: string[] = [];
  for (const block of page.blocks.filter(({ lang }) => lang === 'ts')) {
    const file = join(folder, block.name ?? `line-${block.line}.ts`);
    await writeFile(file, change(block.text));
    if (block.name === undefined) tests.push(file);
  }
  const run = processes.spawn([process.execPath, '--test', ...tests], { env: { TEST_DATABASE_URL: database } });
  const { code } = await run.ended({ within: 60_000 });
  return { code, said: `${run.stdout}\n${run.stderr}` };
}

test('the tests of the page pass', { timeout: 90_000 }, async () => {
  const { code, said } = await runTests();
  expect(code, said).toBe(0);
  expect(said).toMatch(/pass 5\b/);
});

test('they fail when the job may do twice what must be done once', { timeout: 90_000 }, async () => {
  const { code, said } = await runTests((text) =>
    text.replace('sent.set(key, to)', 'sent.set(`${key} ${sent.size}`, to)'),
  );
  expect(code, said).not.toBe(0);
  expect(said).toContain('did not end as if undisturbed');
});
