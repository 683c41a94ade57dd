import { LockkeeperError } from './errors.ts';

/** Milliseconds, or a number with a unit: `500`, `'250ms'`, `'30s'`, `'5m'`, `'2h'`, `'1d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
export const DURATION_PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/;

/**
 * A duration in milliseconds.
 * @throws {LockkeeperError} USAGE when it is not one
 * @example milliseconds('1.5s') // 1500
 */
export function milliseconds(duration: number | string): number {
  const match = DURATION_PATTERN.exec(String(duration));
  if (!match) {
    throw new LockkeeperError(
      'USAGE',
      `${typeof duration === 'string' ? JSON.stringify(duration) : duration} is not a duration`,
      {
        next: 'Use milliseconds or a number with ms, s, m, h or d, such as 30s',
      },
    );
  }
  return Math.round(Number(match[1]) * UNITS[match[2] ?? 'ms']!);
}

/** A duration for people: `850 ms`, `4.2 s`, `3 m 20 s`, `2 h 5 m`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} m ${Math.round((ms % 60_000) / 1_000)} s`;
  return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} m`;
}

/** The same for what counts while it is looked at, where tenths would only flicker: `4 s`, `3 m 20 s`. */
export function formatWholeSeconds(ms: number): string {
  const s = Math.floor(ms / 1_000);
  if (s < 60) return `${s} s`;
  return s < 3_600
    ? `${Math.floor(s / 60)} m ${s % 60} s`
    : `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} m`;
}
