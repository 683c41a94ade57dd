/** What a moment must be written as, for errors. */
export const MOMENT = 'an ISO time with its zone, such as 2026-03-01T22:00:00+01:00';

/**
 * Whether text names a moment without doubt: an ISO date and time with its zone.
 * @example isMoment('2026-03-01T22:00Z') // true
 */
export function isMoment(text: unknown): text is string {
  if (typeof text !== 'string') return false;
  const match = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match || Number.isNaN(Date.parse(text))) return false;
  // 30 February is no day, though JavaScript takes it for one in March.
  const [year, month, day] = match.slice(1, 4).map(Number) as [number, number, number];
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
}
