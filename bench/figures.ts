import { cpus } from 'node:os';
import { readFileSync } from 'node:fs';
import type { Place } from './place.ts';

/** Median, and the extremes behind it. */
export function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]!;
  return `${Math.round(middle)} (${Math.round(sorted[0]!)}-${Math.round(sorted.at(-1)!)})`;
}

export const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** What the figures were measured with. */
export async function circumstances(place: Place): Promise<string> {
  const { serverVersion } = await place.temporal.connection.workflowService.getClusterInfo({});
  const [postgres] = await place.rows<{ server_version: string }>('show server_version');
  const sdk = JSON.parse(
    readFileSync(new URL('../node_modules/@temporalio/worker/package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  const [cpu] = cpus();
  return [
    new Date().toISOString().slice(0, 10),
    `${cpus().length} x ${cpu?.model.trim() ?? 'unknown CPU'}`,
    `Node ${process.version}`,
    `Temporal ${serverVersion}, SDK ${sdk.version}`,
    `Postgres ${postgres?.server_version}`,
  ].join(' · ');
}

/** Numbers that look random and can be had again: mulberry32. */
export function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
