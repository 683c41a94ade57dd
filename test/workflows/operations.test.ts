import { expect, test } from 'vitest';
import type { Operation, StepRecord } from '../../src/protocol.ts';
import { refuseOperation } from '../../src/workflows/operations.ts';
import type { Situation } from '../../src/workflows/operations.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const step = (n: number, state: StepRecord['state'], type: StepRecord['type'] = 'command'): StepRecord => ({
  n,
  name: `step-${n}`,
  type,
  state,
});
const situation = (more: Partial<Situation> = {}): Situation => ({
  deploy: 'v42',
  phase: 'step 1, step-1',
  steps: [step(1, 'started'), step(2, 'pending')],
  ending: false,
  toBeHeld: false,
  now: NOW,
  holdMs: 3_600_000,
  ...more,
});
const stepHeld = { held: { reason: 'r', until: NOW + 1, step: 1 } };
const held = { held: { reason: 'r', until: NOW + 1 } };
const waits = { steps: [step(1, 'started', 'wait')] };
const last = { steps: [step(1, 'started')] };
const hold = (until: string): Partial<Operation> => ({ until });

test.each<[Operation['action'], string, Partial<Situation>, Partial<Operation>, RegExp | undefined]>([
  ['abort', 'while a step runs', {}, {}, undefined],
  ['abort', 'while it is held', held, {}, undefined],
  ['abort', 'while its gates open', { ending: true, phase: 'opening the gates' }, {}, /cannot be changed any more/],
  ['retryStep', 'while a step runs', {}, {}, /no step of this deploy waits for a person/],
  ['retryStep', 'while a step is held', stepHeld, {}, undefined],
  ['retryStep', 'while it is held before a step', held, {}, /resume or abort/],
  ['skipStep', 'while a step is held', stepHeld, {}, undefined],
  ['skipStep', 'while a step only waits', waits, {}, undefined],
  ['skipStep', 'while a step runs', {}, {}, /no step/],
  ['hold', 'while a step runs', {}, {}, undefined],
  ['hold', 'before it knows its steps', { steps: [] }, {}, undefined],
  ['hold', 'during the last step', last, {}, /no step is left/],
  ['hold', 'while it is held', held, {}, /is held already/],
  ['hold', 'again', { toBeHeld: true }, {}, /before its next step already/],
  ['hold', 'while its gates open', { ending: true }, {}, /cannot be changed any more/],
  ['hold', 'for half an hour', {}, hold('2026-03-01T12:30:00Z'), undefined],
  ['hold', 'for as long as the plan allows', {}, hold('2026-03-01T14:00:00+01:00'), undefined],
  ['hold', 'for longer', {}, hold('2026-03-01T13:00:01Z'), /for 3600 s at most/],
  ['hold', 'until a time that is over', {}, hold('2026-03-01T12:00:00Z'), /would be over/],
  ['hold', 'until a time without a zone', {}, hold('2026-03-01T12:30:00'), /ISO time with its zone/],
  ['resume', 'while it is held', held, {}, undefined],
  ['resume', 'while it is to be held', { toBeHeld: true }, {}, undefined],
  ['resume', 'while a step is held', stepHeld, {}, /retry-step, skip-step or abort/],
  ['resume', 'while a step runs', {}, {}, /is not held/],
])('%s %s', (action, _when, more, operation, refused) => {
  const found = refuseOperation({ deploy: 'v42', action, reason: 'r', by: 'ann', ...operation }, situation(more));
  if (refused) expect(found?.message).toMatch(refused);
  else expect(found).toBeUndefined();
});

test('a word for another deploy, or without who and why, is refused', () => {
  const refuse = (operation: unknown) => refuseOperation(operation as Operation, situation());
  expect(refuse({ deploy: 'v41', action: 'abort', reason: 'r', by: 'a' })).toMatchObject({
    code: 'DEPLOY_NOT_CURRENT',
  });
  expect(refuse(undefined)).toMatchObject({ code: 'DEPLOY_NOT_CURRENT' });
  expect(refuse({ deploy: 'v42', action: 'abort', by: 'a' })).toMatchObject({ code: 'USAGE' });
  expect(refuse({ deploy: 'v42', action: 'dance', reason: 'r', by: 'a' })).toMatchObject({ code: 'USAGE' });
});
