import { describe, test } from 'vitest';
import { ACTIONS, visit } from './visit.ts';

describe.each(ACTIONS)('%s', (action) => {
  test.each([
    'code.writing@300',
    'code.written@300',
    'code.writing@400',
    'code.written@400',
    'code.writing@500',
    'code.written@500',
    'code.writing@601',
    'code.written@601',
  ] as const)('at %s', (name) => visit(name, action), 180_000);
});
