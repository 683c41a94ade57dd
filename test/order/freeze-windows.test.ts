import { expect, test } from 'vitest';
import { isTimeZone, refuseCron, windowAt } from '../../src/order/freeze-windows.ts';
import type { FreezeWindow } from '../../src/order/freeze-windows.ts';

const HOUR = 3_600_000;
const weekend: FreezeWindow = { cron: '0 16 * * 5', timeZone: 'Europe/Berlin', forMs: 64 * HOUR, reason: 'weekend' };
const night: FreezeWindow = { cron: '30 2 * * *', timeZone: 'Europe/Berlin', forMs: HOUR, reason: 'backup' };

/** `since/until` in UTC, or nothing. */
const at = (time: string, ...windows: FreezeWindow[]) => {
  const found = windowAt(windows, Date.parse(time));
  return found && [found.reason, new Date(found.since).toISOString(), new Date(found.until!).toISOString()].join(' ');
};

const WINTER = 'weekend 2026-01-09T15:00:00.000Z 2026-01-12T07:00:00.000Z';
const SUMMER = 'weekend 2026-07-10T14:00:00.000Z 2026-07-13T06:00:00.000Z';
const TO_SUMMER = 'weekend 2026-03-27T15:00:00.000Z 2026-03-30T07:00:00.000Z';
const TO_WINTER = 'weekend 2026-10-23T14:00:00.000Z 2026-10-26T06:00:00.000Z';

test.each([
  ['a moment before it begins', '2026-01-09T14:59:59.999Z', undefined],
  ['when it begins', '2026-01-09T15:00:00.000Z', WINTER],
  ['in the middle', '2026-01-11T12:00:00.000Z', WINTER],
  ['a moment before its end', '2026-01-12T06:59:59.999Z', WINTER],
  ['at its end', '2026-01-12T07:00:00.000Z', undefined],
  ['in summer it begins an hour earlier by UTC', '2026-07-10T14:00:00.000Z', SUMMER],
  // 64 hours of real time: clocks are set forward in the night to Sunday, so it ends at 9 of the clock, not 8.
  ['clocks set forward meanwhile: an hour before its end', '2026-03-30T06:30:00.000Z', TO_SUMMER],
  ['clocks set forward meanwhile: at its end', '2026-03-30T07:00:00.000Z', undefined],
  ['clocks set back meanwhile: before its end', '2026-10-26T05:59:59.000Z', TO_WINTER],
  ['clocks set back meanwhile: at its end', '2026-10-26T06:00:00.000Z', undefined],
] as const)('a weekend in Berlin, %s', (_title, time, expected) => {
  expect(at(time, weekend)).toBe(expected);
});

test.each([
  // Half past two does not exist in this night: it is taken for the moment at which clocks jump to three.
  ['2026-03-29T00:59:00Z', undefined],
  ['2026-03-29T01:00:00Z', 'backup 2026-03-29T01:00:00.000Z 2026-03-29T02:00:00.000Z'],
  ['2026-03-29T02:00:00Z', undefined],
  // It exists twice in this one: the first of the two, once.
  ['2026-10-25T00:30:00Z', 'backup 2026-10-25T00:30:00.000Z 2026-10-25T01:30:00.000Z'],
  ['2026-10-25T01:30:00Z', undefined],
] as const)('half past two in the nights in which clocks are changed: %s', (time, expected) => {
  expect(at(time, night)).toBe(expected);
});

test('of several windows in force the one that ends last is told', () => {
  const hour: FreezeWindow = { cron: '0 * * * *', timeZone: 'UTC', forMs: HOUR / 2, reason: 'hourly' };
  expect(at('2026-01-09T15:10:00Z', hour, weekend)).toBe(WINTER);
  expect(at('2026-01-09T14:10:00Z', hour, weekend)).toMatch(/^hourly/);
  expect(at('2026-01-09T14:40:00Z', hour, weekend)).toBeUndefined();
});

test('one that is longer than its period is always in force', () => {
  const always: FreezeWindow = { cron: '0 0 * * *', timeZone: 'UTC', forMs: 30 * HOUR, reason: 'always' };
  for (const time of ['2026-01-09T00:00:00Z', '2026-01-09T05:00:00Z', '2026-01-09T23:59:59Z'])
    expect(at(time, always)).toMatch(/^always 2026-01-09T00/);
});

test('expressions and zones that cannot be are refused with words', () => {
  expect(refuseCron('0 16 * * 5')).toBeUndefined();
  expect(refuseCron('0 16 * *')).toMatch(/parts/);
  expect(refuseCron('61 * * * *')).toMatch(/minute/);
  expect(refuseCron('* * * * * *')).toMatch(/5 parts/);
  expect(refuseCron('0 0 30 2 *')).toMatch(/never/);
  expect([isTimeZone('Europe/Berlin'), isTimeZone('Europe/Berln')]).toEqual([true, false]);
});
