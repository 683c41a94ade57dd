import { describe, test } from 'vitest';
import { ACTIONS, visit } from './visit.ts';

describe.each(ACTIONS)('%s', (action) => {
  test.each([
    'slice.claimed',
    'slice.committed',
    'slice.saved',
    'slice.released',
    'slice.completed',
    'watch.declared',
  ] as const)('at %s', (name) => visit(name, action), 180_000);
});
