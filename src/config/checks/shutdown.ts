import { SHUTDOWN_FORCE, SHUTDOWN_GRACE } from '../../defaults.ts';
import { DURATION_PATTERN, formatDuration, milliseconds } from '../../duration.ts';
import type { Finding } from '../problems.ts';
import { field } from '../raw.ts';
import type { Source } from '../source.ts';

/** A worker that gives up on slices before it has cancelled them would lose what they could still save. */
export function checkShutdown(source: Source): Finding[] {
  const worker = field(source.value, 'worker');
  const read = (option: string, byDefault: number) => {
    const value = field(worker, option) ?? byDefault;
    if (typeof value !== 'string' && typeof value !== 'number') return undefined;
    return DURATION_PATTERN.test(String(value)) ? milliseconds(String(value)) : undefined;
  };
  const grace = read('shutdownGrace', SHUTDOWN_GRACE);
  const force = read('shutdownForce', SHUTDOWN_FORCE);
  if (grace === undefined || force === undefined || grace < force) return [];
  const shown = (option: string, byDefault: number) =>
    field(worker, option) == null ? `${formatDuration(byDefault)} (the default)` : source.shown(['worker', option]);
  return [
    {
      path: ['worker', field(worker, 'shutdownGrace') == null ? 'shutdownForce' : 'shutdownGrace'],
      message: `shutdownGrace must be shorter than shutdownForce, found ${shown('shutdownGrace', SHUTDOWN_GRACE)} and ${shown('shutdownForce', SHUTDOWN_FORCE)}`,
    },
  ];
}
