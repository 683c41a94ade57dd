/**
 * One job of transactions, whose worker is killed again and again at random moments: how many items are lost or done twice.
 * `npm run bench:kills -- --kills 1000 --seed 1`. Exit code 1 if any is.
 */
import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CONTESTANTS } from './contestants/contestants.ts';
import { transactional } from './contestants/jobs.ts';
import { circumstances, seeded, spread } from './figures.ts';
import { Place } from './place.ts';

const { values: options } = parseArgs({
  options: { kills: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});
const random = seeded(Number(options.seed));
const kills = Number(options.kills);
const JOB = 'killed-again-and-again';
/** More than it will do: it is cancelled when all kills are done. */
const WORK = { items: 10_000_000, everyMs: 1 };
/** Between the first item on a worker and its SIGKILL at most, so that every phase of a slice is met. */
const LIVES = 150;
const WORKERS = 3;
const AT_MOST = 60_000;

const dir = mkdtempSync(path.join(tmpdir(), 'lockkeeper-bench-'));
chmodSync(dir, 0o755);
const place = await Place.open(dir);
try {
  process.exitCode = await run();
} finally {
  await place.close();
  rmSync(dir, { recursive: true, force: true });
}

async function run(): Promise<number> {
  console.log(`${await circumstances(place)} · seed ${options.seed}`);
  const { worker } = CONTESTANTS[0]!;
  for (let i = 0; i < WORKERS; i += 1) await place.startWorker(worker);
  const began = Date.now();
  await place.jobs.start(transactional, WORK, { id: JOB });
  const gaps: number[] = [];
  let since = { n: -1, at: new Date(0) };
  for (let kill = 1; kill <= kills; kill += 1) {
    const next = await place.firstRow<{ n: number; pid: number; at: Date }>(
      'select n, pid, at from item where job = $1 and n > $2 and at > $3 order by at limit 1',
      [JOB, since.n, since.at],
      AT_MOST,
    );
    if (kill > 1) gaps.push(next.at.getTime() - since.at.getTime());
    await delay(random() * LIVES);
    // Whoever has the job now: it may have gone on elsewhere by itself.
    const [last] = await place.rows<{ n: number; pid: number; now: Date }>(
      'select n, pid, clock_timestamp() as now from item where job = $1 order by at desc limit 1',
      [JOB],
    );
    await place.kill(last!.pid, 'SIGKILL');
    const [at] = await place.rows<{ n: number }>('select max(n) as n from item where job = $1', [JOB]);
    since = { n: at!.n, at: last!.now };
    await place.startWorker(worker);
    if (kill % 50 === 0) console.error(`${kill} kills, ${since.n + 1} items, next new item after ${spread(gaps)} ms`);
  }
  await place.jobs.handle(JOB).cancel();
  await place.temporal.client.workflow.result(JOB).catch(() => undefined);
  const [done] = await place.rows<{ all: number; different: number; highest: number }>(
    'select count(*)::int as all, count(distinct n)::int as different, max(n) as highest from item where job = $1',
    [JOB],
  );
  const { all, different, highest } = done!;
  const row = await place.jobs.handle(JOB).row();
  const minutes = ((Date.now() - began) / 60_000).toFixed(1);
  console.log(
    `${kills} SIGKILLs in ${minutes} min: ${all} items, ${all - different} twice, ${highest + 1 - different} lost`,
  );
  console.log(
    `from the SIGKILL to the next new item, ms: ${spread(gaps)}; the job is ${row?.state}, ${row?.interruptions} interruptions`,
  );
  return all === different && highest + 1 === different ? 0 : 1;
}
