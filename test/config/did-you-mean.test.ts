import { expect, test } from 'vitest';
import { didYouMean } from '../../src/did-you-mean.ts';

const known = ['deadline', 'wait', 'onTimeout', 'database', 'databases'];

test.each([
  ['deadlne', 'deadline'],
  ['daedline', 'deadline'],
  ['DEADLINE', 'deadline'],
  ['ontimeout', 'onTimeout'],
  ['databas', 'database'],
  ['databasess', 'databases'],
  ['wiat', 'wait'],
  ['xyz', undefined],
  ['timeout', 'onTimeout'],
  ['', undefined],
])('%j means %j', (word, meant) => {
  expect(didYouMean(word, known)).toBe(meant);
});
