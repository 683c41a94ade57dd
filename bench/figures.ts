import { cpus } from 'node:os';
import Table from 'cli-table3';
import { readFileSync } from 'node:fs';
import type { Place } from './place.ts';

/** Median, and the extremes behind it. */
export function spread(values: readonly number[]): string {
  return `${Math.round(median(values))} (${Math.round(Math.min(...values))}-${Math.round(Math.max(...values))})`;
}

export const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;

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

/** For a terminal, or in Markdown as it stands in the README. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  markdown: boolean,
): string {
  if (markdown)
    return ['', ...[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)].join('\n');
  const drawn = new Table({ head: [...head], style: { head: [], border: [] } });
  drawn.push(...rows.map((row) => [...row]));
  return drawn.toString();
}
