/**
 * What the plain saves of many slices in one worker cost, written together and each by itself.
 * `npm run bench:saves -- --seconds 5 --repetitions 3`. See bench/README.md.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { circumstances, median, table } from './figures.ts';
import { Place } from './place.ts';
import { SLICES, SavingSlices, WAYS } from './saving-slices.ts';
import type { Load, Measured, Way } from './saving-slices.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    repetitions: { type: 'string', default: '3' },
    slices: { type: 'string' },
    markdown: { type: 'boolean', default: false },
  },
});
const SMALL = 100;
const LARGE = 64 * 1024;
const LOADS: readonly Load[] = [
  { slices: 1, bytes: SMALL },
  { slices: 1, bytes: LARGE },
  { slices: 100, bytes: SMALL },
  { slices: 100, bytes: LARGE },
  { slices: 500, bytes: SMALL },
  { slices: 500, bytes: LARGE },
  { slices: 500, bytes: SMALL, everyMs: 1_000 },
  { slices: 500, bytes: LARGE, everyMs: 1_000 },
];

/** Together / alone: their ratio. */
const HEAD = [
  'slices',
  'state',
  'each saves',
  'saves a second',
  'commits a save',
  'CPU of the worker a save, µs',
  'CPU of Postgres a save, µs',
  'one save takes, µs',
];

const dir = mkdtempSync(path.join(tmpdir(), 'lockkeeper-bench-'));
chmodSync(dir, 0o755);
const place = await Place.open(dir);
try {
  const slices = await SavingSlices.claim(place, SLICES);
  const rows: (string | number)[][] = [];
  for (const load of LOADS.filter((one) => options.slices === undefined || one.slices === Number(options.slices)))
    rows.push(rowOf(load, await compare(slices, load)));
  console.log(`${await circumstances(place)} · ${options.repetitions} x ${options.seconds} s each, medians`);
  console.log(table(HEAD, rows, options.markdown));
} finally {
  await place.close();
  rmSync(dir, { recursive: true, force: true });
}

/** In turns, so that whatever else the machine does meets both. */
async function compare(slices: SavingSlices, load: Load): Promise<Record<Way, Measured>> {
  const all: Record<Way, Measured[]> = { together: [], alone: [] };
  for (let i = 0; i < Number(options.repetitions); i += 1) {
    for (const way of WAYS) {
      const measured = await slices.save(way, load, Number(options.seconds) * 1_000);
      console.error(`${JSON.stringify(load)}, ${way}: ${JSON.stringify(measured)}`);
      all[way].push(measured);
    }
  }
  return { together: middleOf(all.together), alone: middleOf(all.alone) };
}

function middleOf(all: readonly Measured[]): Measured {
  const of = (key: keyof Measured) => median(all.map((one) => one[key]));
  return {
    perSecond: of('perSecond'),
    commits: of('commits'),
    workerCpuUs: of('workerCpuUs'),
    postgresCpuUs: of('postgresCpuUs'),
    latencyUs: of('latencyUs'),
  };
}

/** Both, and how many times as much the batched one is. */
function both(of: keyof Measured, digits: number, { together, alone }: Record<Way, Measured>): string {
  const ratio = (together[of] / alone[of]).toFixed(2);
  return `${together[of].toFixed(digits)} / ${alone[of].toFixed(digits)}: ${ratio}`;
}

function rowOf({ slices, bytes, everyMs }: Load, measured: Record<Way, Measured>): (string | number)[] {
  return [
    slices,
    bytes === SMALL ? '100 B' : '64 KiB',
    everyMs === undefined ? 'at once' : `every ${everyMs / 1_000} s`,
    both('perSecond', 0, measured),
    both('commits', 3, measured),
    both('workerCpuUs', 0, measured),
    both('postgresCpuUs', 0, measured),
    both('latencyUs', 0, measured),
  ];
}
