import { describe, test } from 'vitest';
import { ACTIONS, visit } from './visit.ts';

describe.each(ACTIONS)('%s', (action) => {
  test.each([
    'request.accepted',
    'step.recording@started',
    'step.recorded@started',
    'command.ended',
    'step.recording@done',
    'step.recorded@done',
  ] as const)('at %s', (name) => visit(name, action), 180_000);
});
