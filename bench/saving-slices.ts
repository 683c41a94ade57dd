import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { generateKey, parseKeyring } from '../dist/crypto/keyring.js';
import { JobSeal } from '../dist/crypto/job-seal.js';
import { Saver } from '../dist/jobs/saver.js';
import { saveCheckpoint } from '../dist/ledger/checkpoints.js';
import { claimSlice } from '../dist/ledger/claims.js';
import { ensureGate } from '../dist/ledger/gates.js';
import type { Ledger } from '../dist/ledger/pool.js';
import { median } from './figures.ts';
import type { Place } from './place.ts';

export const SLICES = 500;
export const WAYS = ['together', 'alone'] as const;
export type Way = (typeof WAYS)[number];

export interface Load {
  readonly slices: number;
  /** Of the state's JSON, about. */
  readonly bytes: number;
  /** Each slice saves so often; as fast as it may unless given. */
  readonly everyMs?: number;
}

export interface Measured {
  readonly perSecond: number;
  /** A save. */
  readonly commits: number;
  readonly workerCpuUs: number;
  readonly postgresCpuUs: number;
  /** Of one save, the median. */
  readonly latencyUs: number;
}

/** The statistics of a session are told to all others at most once a second. */
const STATISTICS_LATE_MS = 1_500;
/** Linux counts the CPU time of processes in hundredths of a second. */
const TICK_US = 10_000;

/** Slices of one worker without Temporal around them: each has its claim, and saves. */
export class SavingSlices {
  readonly #place: Place;
  readonly #savers: Readonly<Record<Way, readonly Saver[]>>;

  private constructor(place: Place, savers: Readonly<Record<Way, readonly Saver[]>>) {
    this.#place = place;
    this.#savers = savers;
  }

  static async claim(place: Place, count: number): Promise<SavingSlices> {
    const { ledger } = place;
    const alone: Ledger = { ...ledger, saves: { save: (...asked) => saveCheckpoint(ledger.pool, ...asked) } };
    const savers = { together: await claimed(ledger, count), alone: await claimed(alone, count) };
    return new SavingSlices(place, savers);
  }

  /** Lets so many slices save for so long. */
  async save(way: Way, load: Load, forMs: number): Promise<Measured> {
    const savers = this.#savers[way].slice(0, load.slices);
    const before = await this.#counted();
    const began = performance.now();
    const cpu = process.cpuUsage();
    const tookUs = (await Promise.all(savers.map((saver) => saveUntil(saver, load, began + forMs)))).flat();
    const seconds = (performance.now() - began) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    const after = await this.#counted();
    const saves = tookUs.length;
    return {
      perSecond: saves / seconds,
      commits: (after.commits - before.commits) / saves,
      workerCpuUs: (user + system) / saves,
      postgresCpuUs: (after.cpuUs - before.cpuUs) / saves,
      latencyUs: median(tookUs),
    };
  }

  /** By Postgres, so far; its processes are on this machine. */
  async #counted(): Promise<{ commits: number; cpuUs: number }> {
    await delay(STATISTICS_LATE_MS);
    const [row] = await this.#place.rows<{ commits: string; pids: number[] }>(
      `select xact_commit as commits, array(select pid from pg_stat_activity) as pids
       from pg_stat_database where datname = current_database()`,
    );
    return { commits: Number(row!.commits), cpuUs: row!.pids.reduce((sum, pid) => sum + cpuUsOf(pid), 0) };
  }
}

async function claimed(ledger: Ledger, count: number): Promise<Saver[]> {
  const keyring = parseKeyring(generateKey('bench'), 'the bench');
  const taskQueue = `saves-${randomUUID()}`;
  await ensureGate(ledger, 'bench', taskQueue);
  const savers: Saver[] = [];
  for (let i = 0; i < count; i += 1) {
    const [claim, key] = [randomUUID(), randomUUID()];
    const { epoch, seq } = await claimSlice(ledger, {
      claim,
      key,
      workflowId: key,
      job: 'saving',
      taskQueue,
      worker: randomUUID(),
      buildId: 'bench',
      taskToken: Buffer.from(claim),
      seq: 0,
    });
    savers.push(new Saver(ledger, { key, claim, epoch }, seq, 1, { seal: new JobSeal(keyring, key) }));
  }
  return savers;
}

/** How long each of its saves took, µs. */
async function saveUntil(saver: Saver, { bytes, everyMs }: Load, until: number): Promise<number[]> {
  const took: number[] = [];
  const filling = 'x'.repeat(bytes);
  // Not all in the same moment, as jobs are not.
  if (everyMs !== undefined) await delay(Math.random() * everyMs);
  for (let n = 0; performance.now() < until; n += 1) {
    const began = performance.now();
    await saver.save('state', { n, filling });
    const ended = performance.now();
    took.push((ended - began) * 1_000);
    if (everyMs !== undefined) await delay(Math.max(0, everyMs - (ended - began)));
  }
  return took;
}

/** User and system time of a process so far: the 14th and 15th field of its line, the 2nd may hold blanks. */
function cpuUsOf(pid: number): number {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}
