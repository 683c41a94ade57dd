import { expect, test, vi } from 'vitest';
import type * as Crypto from 'node:crypto';
import { Tokens, problemsOfTokens, splitTokens } from '../../../src/codec-server/tokens.ts';
import { OTHER_TOKEN, TOKEN } from '../bench.ts';

const compared = vi.hoisted(() => vi.fn());
vi.mock('node:crypto', async (original) => {
  const real = await original<typeof Crypto>();
  return {
    ...real,
    timingSafeEqual: (a: Buffer, b: Buffer) => {
      compared(a.length, b.length);
      return real.timingSafeEqual(a, b);
    },
  };
});

test.each([
  ['the first', TOKEN, true],
  ['the last', OTHER_TOKEN, true],
  ['none', 'x', false],
])('whether it is %s of them, each is compared in constant time, over digests of one length', (_which, token, is) => {
  compared.mockClear();
  expect(new Tokens([TOKEN, OTHER_TOKEN]).find(token) !== undefined).toBe(is);
  expect(compared.mock.calls).toEqual([
    [32, 32],
    [32, 32],
  ]);
});

test('tokens are separated by commas, spaces or lines', () => {
  expect(splitTokens(' a,b\nc  d\r\n')).toEqual(['a', 'b', 'c', 'd']);
});

test.each([
  ['none', [], 'T holds no token'],
  ['one of 31 characters', [TOKEN.slice(0, 31)], 'T, token 1: it has 31 characters, at least 32 are needed'],
  ['one that repeats itself', [TOKEN, 'secret'.repeat(8)], 'T, token 2: it repeats itself and can be guessed'],
  ['one with other characters', [`${TOKEN}"`], 'T, token 1: it holds characters that a header cannot carry'],
])('%s is refused, and not shown', (_what, tokens, problem) => {
  const problems = problemsOfTokens(tokens, 'T');
  expect(problems).toEqual([`${problem}; make one with \`openssl rand -hex 32\``]);
  for (const token of tokens) expect(problems.join()).not.toContain(token);
});

test('32 hexadecimal digits are enough', () => {
  expect(problemsOfTokens(['0f1e2d3c4b5a69788796a5b4c3d2e1f0'], 'T')).toEqual([]);
});
