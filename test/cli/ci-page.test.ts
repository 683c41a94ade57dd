import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { blockOfPage } from '../ci/ci-page.ts';

test.each(['github', 'gitlab'])('docs/ci.md shows the very file that `init` writes for %s', (system) => {
  const template = new URL(`../../src/cli/init/templates/${system}.yml`, import.meta.url);
  expect(`${blockOfPage('yaml', system)}\n`).toBe(readFileSync(fileURLToPath(template), 'utf8'));
});
