import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { JobSeal } from '../../src/crypto/job-seal.ts';
import { openCheckpoint } from '../../src/jobs/state.ts';
import type { Checkpoint } from '../../src/jobs/state.ts';
import { loadCheckpoint, saveCheckpoint } from '../../src/ledger/checkpoints.ts';
import type { Fence } from '../../src/ledger/checkpoints.ts';
import { claimSlice } from '../../src/ledger/claims.ts';
import type { ClaimRequest, ClaimResult } from '../../src/ledger/claims.ts';
import { ensureGate } from '../../src/ledger/gates.ts';
import type { Ledger, Queryable } from '../../src/ledger/pool.ts';
import { atEnd } from './at-end.ts';
import { eventually } from './eventually.ts';

export interface Claimed extends ClaimResult {
  /** The id that was asked for, whatever the verdict. */
  readonly claim: string;
  readonly fence: Fence;
}

/** A queue name of its own, with an open gate. */
export async function openQueue(ledger: Ledger): Promise<string> {
  const taskQueue = `queue-${randomUUID()}`;
  await ensureGate(ledger, 'production', taskQueue);
  return taskQueue;
}

/** Asks for a claim as a worker does; a new job unless `key` says otherwise. */
export async function claim(
  ledger: Ledger,
  request: Partial<ClaimRequest> & { readonly taskQueue: string },
): Promise<Claimed> {
  const id = randomUUID();
  const full = {
    claim: id,
    key: `job-${id}`,
    workflowId: `workflow-${id}`,
    job: 'count',
    worker: randomUUID(),
    buildId: 'build-1',
    taskToken: Buffer.from(id),
    seq: 0,
    ...request,
  };
  const result = await claimSlice(ledger, full);
  return { ...result, claim: full.claim, fence: { key: full.key, claim: full.claim, epoch: result.epoch } };
}

/** Saves `{ at: seq }` as checkpoint number seq; false when it is refused. */
export function save(db: Queryable, fence: Fence, seq: number, kind: 'state' | 'done' = 'state'): Promise<boolean> {
  const row = { keyId: 'none', nonce: Buffer.alloc(0), ciphertext: Buffer.from(JSON.stringify({ at: seq })) };
  const saved = { seq, kind, stateVersion: 1, buildId: 'build-1', withEffect: false, progress: {}, ...row };
  return saveCheckpoint(db, fence, saved);
}

/** The checkpoint a job goes on from, with what is in it; written without a keyring. */
export async function loadPlain(ledger: Ledger, key: string): Promise<Checkpoint | undefined | 'missing'> {
  const row = await loadCheckpoint(ledger, key);
  return row === undefined || row === 'missing' ? row : openCheckpoint(row, new JobSeal(undefined, key));
}

/** The same ledger, where everything is asked on one connection: what the caller began there stays open. */
export function onConnection(ledger: Ledger, client: pg.PoolClient): Ledger {
  return { ...ledger, pool: client as unknown as pg.Pool };
}

/** A connection with a transaction begun; rolled back at the end of the test unless it was ended. */
export async function begin(ledger: Ledger): Promise<pg.PoolClient> {
  const client = await ledger.pool.connect();
  atEnd(async () => {
    await client.query('rollback').then(
      () => client.release(),
      (error: Error) => client.release(error),
    );
  });
  await client.query('begin');
  return client;
}

/** The same ledger, whose transactions stop before their COMMIT until they are let go on. */
export function stoppedBeforeCommit(ledger: Ledger): { ledger: Ledger; reached: Promise<void>; goOn: () => void } {
  let arrive = (): void => undefined;
  let goOn = (): void => undefined;
  const reached = new Promise<void>((resolve) => (arrive = resolve));
  const letGo = new Promise<void>((resolve) => (goOn = resolve));
  const stopping = (client: pg.PoolClient): pg.PoolClient =>
    new Proxy(client, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== 'function') return value;
        if (property !== 'query') return value.bind(target) as unknown;
        return async (...args: unknown[]) => {
          if (args[0] === 'commit') {
            arrive();
            await letGo;
          }
          return (value as (...args: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  const pool = { connect: async () => stopping(await ledger.pool.connect()) } as unknown as pg.Pool;
  return { ledger: { ...ledger, pool }, reached, goOn };
}

/** Waits until so many sessions of this ledger's database wait for somebody's lock. */
export async function untilBlocked(ledger: Ledger, sessions: number): Promise<void> {
  await eventually(async () => {
    const { rows } = await ledger.pool.query<{ blocked: number }>(
      `select count(*)::integer as blocked from pg_stat_activity
       where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`,
    );
    if (rows[0]?.blocked !== sessions) throw new Error(`${rows[0]?.blocked} sessions wait for a lock, not ${sessions}`);
  });
}

/** One row of a query, or undefined. */
export async function one<Row extends pg.QueryResultRow>(
  ledger: Ledger,
  text: string,
  values: unknown[] = [],
): Promise<Row | undefined> {
  return (await ledger.pool.query<Row>(text, values)).rows[0];
}

/** The job's head row. */
export function head(ledger: Ledger, key: string) {
  return one<{
    state: string;
    seq: number;
    epoch: number;
    claim: string | null;
    losses: number;
    interruptions: number;
    reason: string | null;
  }>(
    ledger,
    'select state, seq::integer, epoch::integer, claim, losses, interruptions, reason from lockkeeper._jobs where key = $1',
    [key],
  );
}

export async function claimState(ledger: Ledger, id: string): Promise<string | undefined> {
  return (await one<{ state: string }>(ledger, 'select state from lockkeeper._claims where claim = $1', [id]))?.state;
}
