/**
 * How long after the end of its worker a job goes on at another one, what is done twice or lost, and what it costs.
 * `npm run bench:recovery -- --repetitions 5 --seed 1`. See bench/README.md.
 */
import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CONTESTANTS } from './contestants/contestants.ts';
import type { Contestant } from './contestants/contestants.ts';
import { circumstances, seeded, spread, table, total } from './figures.ts';
import { Place } from './place.ts';

const { values: options } = parseArgs({
  options: {
    repetitions: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    contestants: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
  },
});
const random = seeded(Number(options.seed));
const contestants = CONTESTANTS.filter(({ name }) => name.includes(options.contestants));

const SIGNALS = ['SIGKILL', 'SIGTERM'] as const;
/** The server may fire a timer up to this late, 1 s unless set: plain Temporal's retries are such timers. */
const SERVERS = [
  { shift: 'default', config: {} },
  { shift: '50 ms', config: { 'history.timerProcessorMaxTimeShift': '"50ms"' } },
] as const;
const WORK = { items: 800, everyMs: 5 };
/** Workers are left alone for so long before one is killed, as most are for days. */
const SETTLED = 2_000;
/** The longest that anything may take: a heartbeat timeout of 30 s, and some. */
const AT_MOST = 60_000;

interface Trial {
  readonly nextMs: number;
  readonly twice: number;
  readonly lost: number;
  readonly attempts: number;
  readonly completionMs: number;
}

const results: { shift: string; signal: string; contestant: string; trials: Trial[] }[] = [];
let measuredWith = '';
for (const { shift, config } of SERVERS) await measure(shift, config);
report();

async function measure(shift: string, config: Readonly<Record<string, string>>): Promise<void> {
  const dir = mkdtempSync(path.join(tmpdir(), 'lockkeeper-bench-'));
  chmodSync(dir, 0o755);
  const place = await Place.open(dir, config);
  try {
    measuredWith = await circumstances(place);
    for (const argv of new Set(contestants.map(({ worker }) => worker)))
      for (let i = 0; i < 2; i += 1) await place.startWorker(argv);
    for (let i = 0; i < Number(options.repetitions); i += 1) {
      for (const signal of SIGNALS) {
        for (const contestant of contestants) {
          const one = await trial(place, contestant, signal, `${contestant.name} ${signal} ${i}`);
          console.error(`${shift}, ${signal}, ${contestant.name}: ${JSON.stringify(one)}`);
          const known = results.find(
            (r) => r.shift === shift && r.signal === signal && r.contestant === contestant.name,
          );
          if (known) known.trials.push(one);
          else results.push({ shift, signal, contestant: contestant.name, trials: [one] });
        }
      }
    }
  } finally {
    await place.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function trial(place: Place, contestant: Contestant, signal: NodeJS.Signals, id: string): Promise<Trial> {
  await contestant.start({ jobs: place.jobs, temporal: place.temporal.client }, id, WORK);
  await place.firstRow('select from item where job = $1 and n >= 100', [id], AT_MOST);
  await delay(random() * 1_000);
  const [before] = await place.rows<{ n: number; pid: number; now: Date }>(
    'select n, pid, clock_timestamp() as now from item where job = $1 order by at desc limit 1',
    [id],
  );
  if (!before) throw new Error('no item, though there was one');
  const restarted = place.kill(before.pid, signal).then(() => place.startWorker(contestant.worker));
  const next = await place.firstRow<{ ms: number }>(
    `select (extract(epoch from at - $3::timestamptz) * 1000)::float as ms from item
     where job = $1 and pid <> $2 and n > (select max(n) from item where job = $1 and pid = $2) order by at limit 1`,
    [id, before.pid, before.now],
    AT_MOST,
  );
  await place.temporal.client.workflow.result(id);
  const { closeTime } = await place.temporal.client.workflow.getHandle(id).describe();
  const [done] = await place.rows<{ all: number; different: number; last: Date }>(
    'select count(*)::int as all, count(distinct n)::int as different, max(at) as last from item where job = $1',
    [id],
  );
  if (!done || !closeTime) throw new Error(`job ${id} has ended without a trace`);
  await restarted;
  await delay(SETTLED);
  return {
    nextMs: next.ms,
    twice: done.all - done.different,
    lost: WORK.items - done.different,
    attempts: await place.attemptsOf(id),
    completionMs: closeTime.getTime() - done.last.getTime(),
  };
}

function report(): void {
  if (options.json) return console.log(JSON.stringify({ measuredWith, seed: options.seed, results }, undefined, 2));
  const head = [
    'timer shift',
    'signal',
    'contestant',
    'next new item, ms',
    'twice',
    'lost',
    'attempts',
    'completed after, ms',
  ];
  const rows = results.map(({ shift, signal, contestant, trials }) => [
    shift,
    signal,
    contestant,
    spread(trials.map((t) => t.nextMs)),
    total(trials.map((t) => t.twice)),
    total(trials.map((t) => t.lost)),
    total(trials.map((t) => t.attempts)),
    spread(trials.map((t) => t.completionMs)),
  ]);
  console.log(`${measuredWith} · seed ${options.seed} · ${options.repetitions} repetitions, median (least-most)`);
  console.log(table(head, rows, options.markdown));
}
