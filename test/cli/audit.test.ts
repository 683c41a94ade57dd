import { expect, test } from 'vitest';
import { describeEvent } from '../../src/cli/deploy/audit.ts';

const AT = Date.UTC(2026, 10, 30, 4, 5, 6);
const ISO = '2026-11-30T04:05:06+00:00';

test.each([
  ['waiting', { kind: 'approval', needed: 2, by: [] }, 'it waits for approval by 2'],
  ['waiting', { kind: 'schedule', at: AT }, 'it waits for its time, 2026-11-30 04:05:06Z'],
  ['waiting', { kind: 'freeze', until: AT }, 'it waits for the end of a freeze, 2026-11-30 04:05:06Z'],
  ['waiting', { kind: 'freeze' }, 'it waits for the end of a freeze'],
  ['waiting', { kind: 'order', ahead: ['v40', 'v41'] }, 'it waits for v40, v41'],
  ['held', { step: 2, until: ISO }, 'it is held at step 2, until 2026-11-30 04:05:06Z at most'],
  ['drainLate', { past: false, deadline: ISO }, 'its drain is near its deadline, 2026-11-30 04:05:06Z'],
  ['drainLate', { past: true, deadline: ISO }, 'its drain is past its deadline, 2026-11-30 04:05:06Z'],
])('%s is said in words on the record', (event, detail, words) => {
  expect(describeEvent({ event, detail })).toBe(words);
});
