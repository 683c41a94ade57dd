import { expect, test } from 'vitest';
import { refuseRequest } from '../../src/workflows/request.ts';
import { backoffMs } from '../../src/jobs/retry.ts';

const good = { id: 'v42', plan: 'default', requestedBy: 'ci' };

test.each([
  ['with nothing more', good],
  ['with parameters', { ...good, parameters: { version: 'v42' }, version: 'v42' }],
  ['under a lease', { ...good, external: { mode: 'lease' } }],
  ['with a deadline', { ...good, external: { mode: 'deadline', nonce: '12345678', deadlineMs: 1 } }],
])('a request %s is taken', (_, request) => {
  expect(refuseRequest(request)).toBeUndefined();
});

test.each([
  ['nothing', undefined, 'a request is an object'],
  ['null', null, 'a request is an object'],
  ['a list', [good], 'a request is an object'],
  ['text', 'v42', 'a request is an object'],
  ['no id', { ...good, id: undefined }, 'id undefined must be letters'],
  ['an id with a slash', { ...good, id: 'a/b' }, 'id "a/b" must be letters'],
  ['an id of 101 letters', { ...good, id: 'a'.repeat(101) }, 'at most 100'],
  ['no plan', { ...good, plan: 7 }, 'plan must name'],
  ['nobody who asks', { ...good, requestedBy: '' }, 'requestedBy must say'],
  ['a version that is a number', { ...good, version: 1 }, 'version must be a string'],
  ['parameters that are not strings', { ...good, parameters: { n: 1 } }, 'parameters must be an object of strings'],
  ['an unknown mode', { ...good, external: { mode: 'trust' } }, 'external.mode must be'],
  ['a short nonce', { ...good, external: { mode: 'deadline', nonce: 'x', deadlineMs: 1 } }, 'at least 8 characters'],
  [
    'a deadline of nothing',
    { ...good, external: { mode: 'deadline', nonce: '12345678', deadlineMs: 0 } },
    'milliseconds',
  ],
])('%s is refused with words', (_, request, words) => {
  expect(refuseRequest(request)).toContain(words);
});

test('the pause before an attempt doubles up to its maximum', () => {
  const retry = { maximumAttempts: 10, initialIntervalMs: 1_000, backoffCoefficient: 2, maximumIntervalMs: 5_000 };
  expect([1, 2, 3, 4, 9].map((failures) => backoffMs(retry, failures))).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
});
