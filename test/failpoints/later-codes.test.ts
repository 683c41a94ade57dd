import { describe, test } from 'vitest';
import { ACTIONS, visit } from './visit.ts';

describe.each(ACTIONS)('%s', (action) => {
  test.each([
    'code.writing@700',
    'code.written@700',
    'code.writing@800',
    'code.written@800',
    'code.writing@900',
    'code.written@900',
  ] as const)('at %s', (name) => visit(name, action), 180_000);
});
