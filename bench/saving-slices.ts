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
import { median, total } from './figures.ts';
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

  async #counted(): Promise<{ commits: number; cpuUs: number }> {
    // What writes takes a number, and there is nobody else in this Postgres.
    const [row] = await this.#place.rows<{ next: string; pid: number }>(
      'select pg_snapshot_xmax(pg_current_snapshot())::text as next, pg_backend_pid() as pid',
    );
    return { commits: Number(row!.next), cpuUs: cpuUsOfServer(row!.pid) };
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

/** Of all processes of the server that has this session, those that have ended included. */
function cpuUsOfServer(session: number): number {
  const postmaster = Number(statOf(session)[1]);
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ');
  const own = statOf(postmaster).slice(11, 15);
  const ticks = [...own, ...children.flatMap((pid) => statOf(pid).slice(11, 13))].map(Number);
  return total(ticks) * TICK_US;
}

/** The line of a process from its state on (proc(5)): 1 its parent, 11-12 its user and system time, 13-14 those of ended children. */
function statOf(pid: number | string): string[] {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return line.slice(line.lastIndexOf(')') + 2).split(' ');
}
