import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const built = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

test('what is packed cannot be made to fail: its failpoints do nothing', () => {
  expect(built('dist-with-failpoints/failpoints.js')).toContain('SIGKILL');
  const packed = built('dist/failpoints.js');
  expect(packed).not.toMatch(/env|kill|throw|import/i);
  expect(packed).toContain('export const failpoint = () => undefined;');
});
