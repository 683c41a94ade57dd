import { LOSSES_UNTIL_QUARANTINE } from '../defaults.ts';
import { storable } from '../storable.ts';
import { isLockTimeout } from './sql-errors.ts';
import type { Ledger, Queryable } from './pool.ts';

export interface ClaimRequest {
  readonly claim: string;
  readonly key: string;
  readonly workflowId: string;
  readonly job: string;
  readonly taskQueue: string;
  readonly worker: string;
  readonly buildId: string;
  readonly taskToken: Uint8Array;
  /** The last checkpoint the workflow was told of. */
  readonly seq: number;
  /** A claim that ended while the ledger was away, as its own worker said. */
  readonly stopped?: string | undefined;
  /** The checkpoint a person chose to go on from; 0: the initial state. */
  readonly releaseSeq?: number | undefined;
  readonly atomicMs?: number | undefined;
  /** Losses without progress that end in quarantine; 5 unless said otherwise. */
  readonly lossesAllowed?: number | undefined;
  /** Where the ledger knows less than the workflow was told; quarantine unless said otherwise. */
  readonly onUnrestorable?: 'previous' | 'restart' | 'quarantine' | undefined;
  readonly owner?: string | undefined;
  /** The job was told to end: this slice runs its `onCancel`. */
  readonly cancelling?: boolean | undefined;
}

export type ClaimVerdict = 'claimed' | 'gateClosed' | 'ended' | 'behind' | 'quarantined';

export interface ClaimResult {
  readonly verdict: ClaimVerdict;
  readonly epoch: number;
  readonly seq: number;
  readonly reason: string | undefined;
  /** Why the job goes on from another checkpoint than the one the workflow was told of, as its definition says. */
  readonly wentBack: string | undefined;
}

/** Asks for the right to run one slice. See `lockkeeper.claim_slice` in the migrations for what each verdict means. */
export async function claimSlice(ledger: Ledger, c: ClaimRequest): Promise<ClaimResult> {
  const { rows } = await ledger.pool.query<{
    verdict: ClaimVerdict;
    epoch: string;
    seq: string;
    reason: string | null;
    went_back: string | null;
  }>({
    name: 'claim_slice',
    text: 'select * from lockkeeper.claim_slice($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)',
    values: [
      c.claim,
      c.key,
      ledger.namespace,
      c.workflowId,
      c.job,
      c.taskQueue,
      c.worker,
      c.buildId,
      c.taskToken,
      c.seq,
      c.stopped ?? null,
      c.releaseSeq ?? null,
      c.lossesAllowed ?? LOSSES_UNTIL_QUARANTINE,
      c.atomicMs ?? null,
      c.owner ?? null,
      c.cancelling ?? false,
      c.onUnrestorable ?? 'quarantine',
    ],
  });
  const row = rows[0]!;
  return {
    verdict: row.verdict,
    epoch: Number(row.epoch),
    seq: Number(row.seq),
    reason: row.reason ?? undefined,
    wentBack: row.went_back ?? undefined,
  };
}

export interface EndedClaim {
  readonly ended: boolean;
  /** The queue is drained now, and this call is the one that did it: its caller owes the signal. */
  readonly drained?: { environment: string; deploy: string; generation: number; taskQueue: string };
  /** Logins whose database sessions still work under the claim, because nobody here may end them. */
  readonly sessionsLeft?: readonly string[];
}

interface EndRow {
  ended: boolean;
  drained: boolean;
  environment: string;
  owner_deploy: string;
  generation: string;
  task_queue: string;
}

const endedClaim = (row: EndRow): EndedClaim => ({
  ended: row.ended,
  ...(row.drained && {
    drained: {
      environment: row.environment,
      deploy: row.owner_deploy,
      generation: Number(row.generation),
      taskQueue: row.task_queue,
    },
  }),
});

/** Ends a claim of one's own. Ending it twice does nothing. */
export async function endClaim(
  ledger: Ledger,
  claim: string,
  state: 'released' | 'fenced' | 'lost',
  reason: string,
): Promise<EndedClaim> {
  const { rows } = await ledger.pool.query<EndRow>('select * from lockkeeper.end_claim($1, $2, $3)', [
    claim,
    state,
    storable(reason),
  ]);
  return endedClaim(rows[0]!);
}

/** How long a lock held by somebody else's transaction is waited for before that session is ended. */
const LOCK_TIMEOUT = '1s';

/**
 * Ends a claim of another process, which may be frozen inside a transaction: whatever session still works under the
 * claim is ended, before (so that it holds no lock we need) and after (so that nothing begins in between).
 */
export async function endForeignClaim(
  ledger: Ledger,
  claim: string,
  state: 'fenced' | 'lost',
  reason: string,
): Promise<EndedClaim> {
  for (let tries = 0; ; tries += 1) {
    let ended: EndedClaim | undefined;
    try {
      ended = await endClaimWithin(ledger, claim, state, reason);
    } catch (error) {
      if (!isLockTimeout(error) || tries === 5) throw error;
    } finally {
      const sessionsLeft = await endSessions(ledger.pool, claim);
      if (ended && sessionsLeft.length > 0) ended = { ...ended, sessionsLeft };
    }
    if (ended) return ended;
  }
}

async function endClaimWithin(
  ledger: Ledger,
  claim: string,
  state: 'fenced' | 'lost',
  reason: string,
): Promise<EndedClaim> {
  const client = await ledger.pool.connect();
  try {
    await client.query(`set lock_timeout = '${LOCK_TIMEOUT}'`);
    const { rows } = await client.query<EndRow>('select * from lockkeeper.end_claim($1, $2, $3)', [
      claim,
      state,
      storable(reason),
    ]);
    return endedClaim(rows[0]!);
  } finally {
    client.release(true);
  }
}

/** What the sessions of a slice's transactions are called in `pg_stat_activity`; `lockkeeper.end_sessions` knows it, too. */
export const sessionName = (claim: string) => `lockkeeper slice ${claim}`;

/** For the log, with {@link EndedClaim.sessionsLeft}. */
export const SESSIONS_LEFT =
  'database sessions of slices that were ended could not be ended: nothing they do counts, but they hold their locks until they ' +
  'end by themselves. Let all workers use one login, or grant pg_signal_backend to the owner of the schema lockkeeper';

/** Returns the logins whose sessions could not be ended. */
async function endSessions(db: Queryable, claim: string): Promise<string[]> {
  const { rows } = await db.query<{ login: string }>('select lockkeeper.end_sessions($1) as login', [claim]);
  return rows.map((row) => row.login);
}

export interface ClaimRow {
  readonly claim: string;
  readonly key: string;
  readonly workflowId: string;
  readonly worker: string;
  readonly taskQueue: string;
  readonly taskToken: Buffer;
  readonly seq: number;
  /** By the clock of the ledger, which set its deadline. */
  readonly mayNotBeStopped: boolean;
}

export const CLAIM_COLUMNS = `c.claim, c.key, c.workflow_id, c.worker, c.task_queue, c.task_token,
  coalesce(c.atomic_until > clock_timestamp(), false) as may_not_be_stopped, coalesce(j.seq, c.seq) as seq`;

export interface RawClaim {
  claim: string;
  key: string;
  workflow_id: string;
  worker: string;
  task_queue: string;
  task_token: Buffer;
  may_not_be_stopped: boolean;
  seq: string;
}
export const claimRow = (r: RawClaim): ClaimRow => ({
  claim: r.claim,
  key: r.key,
  workflowId: r.workflow_id,
  worker: r.worker,
  taskQueue: r.task_queue,
  taskToken: r.task_token,
  seq: Number(r.seq),
  mayNotBeStopped: r.may_not_be_stopped,
});

/** Claims that may still do work on a queue. */
export async function runningClaims(ledger: Ledger, taskQueue: string): Promise<ClaimRow[]> {
  const { rows } = await ledger.pool.query<RawClaim>(
    `select ${CLAIM_COLUMNS} from lockkeeper._claims c left join lockkeeper._jobs j on j.key = c.key and j.claim = c.claim
     where c.namespace = $1 and c.task_queue = $2 and c.state = 'running'`,
    [ledger.namespace, taskQueue],
  );
  return rows.map(claimRow);
}

/** How long the drain of an environment may have to wait for atomic slices that run now, milliseconds. */
export async function longestAtomicMs(ledger: Ledger, environment: string): Promise<number> {
  const { rows } = await ledger.pool.query<{ ms: number | null }>(
    `select extract(epoch from max(c.atomic_until) - clock_timestamp())::float8 * 1000 as ms
     from lockkeeper._gates g join lockkeeper._claims c using (namespace, task_queue)
     where g.namespace = $1 and g.environment = $2 and c.state = 'running'`,
    [ledger.namespace, environment],
  );
  return Math.max(0, Math.ceil(rows[0]?.ms ?? 0));
}

/** Claims that the ledger still holds for a worker: those it knows nothing of any more are to be ended by it. */
export async function claimsOfWorker(ledger: Ledger, worker: string): Promise<string[]> {
  const { rows } = await ledger.pool.query<{ claim: string }>(
    `select claim from lockkeeper._claims where worker = $1 and state in ('running', 'fenced')`,
    [worker],
  );
  return rows.map((r) => r.claim);
}
