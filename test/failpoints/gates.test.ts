import { describe, test } from 'vitest';
import { ACTIONS, visit } from './visit.ts';

describe.each(ACTIONS)('%s', (action) => {
  test.each(['gate.fenced', 'gate.braked', 'gate.opening', 'gate.unfenced', 'gate.unbraked', 'gate.opened'] as const)(
    'at %s',
    (name) => visit(name, action),
    180_000,
  );
});
