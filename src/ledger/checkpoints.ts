import { LockkeeperError } from '../errors.ts';
import { STATE_LIMIT_BYTES } from '../defaults.ts';
import type { Ledger, Queryable } from './pool.ts';

/** The right to write one job's state: a claim, its epoch, and the last number that is known to be saved. */
export interface Fence {
  readonly key: string;
  readonly claim: string;
  readonly epoch: number;
}

export interface Progress {
  readonly done?: number | undefined;
  readonly total?: number | undefined;
  readonly note?: string | undefined;
}

export interface NewCheckpoint {
  readonly seq: number;
  readonly kind: 'state' | 'done';
  readonly stateVersion: number;
  readonly value: unknown;
  readonly progress: Progress;
}

export interface Checkpoint {
  readonly seq: number;
  readonly kind: 'state' | 'done';
  readonly stateVersion: number;
  readonly value: unknown;
}

/** Rows are ready for encryption; until a keyring is there they say of themselves that they are plain. */
const PLAIN = { keyId: 'none', nonce: Buffer.alloc(0) };

/**
 * The bytes of a state or result.
 * @throws {LockkeeperError} STATE_INVALID when JSON cannot hold it, STATE_TOO_LARGE above 8 MiB
 */
export function encodeState(value: unknown, what: string): Buffer {
  let text: string | undefined;
  try {
    text = JSON.stringify(value === undefined ? null : value);
  } catch (error) {
    throw new LockkeeperError('STATE_INVALID', `${what} cannot be written as JSON: ${(error as Error).message}`, {
      next: 'Keep only plain objects, arrays, strings, finite numbers, booleans and null in it',
      cause: error,
    });
  }
  if (text === undefined) {
    throw new LockkeeperError('STATE_INVALID', `${what} is a ${typeof value}, which JSON cannot hold`, {
      next: 'Yield a plain value',
    });
  }
  const bytes = Buffer.from(text);
  if (bytes.length > STATE_LIMIT_BYTES) {
    throw new LockkeeperError(
      'STATE_TOO_LARGE',
      `${what} has ${bytes.length} bytes of JSON, at most ${STATE_LIMIT_BYTES} are possible`,
      {
        next: 'Keep a place in it (a row number, a cursor), not the data',
      },
    );
  }
  return bytes;
}

/** Saves a checkpoint. False: refused; the claim was fenced, or `seq` is not the number after the last one. */
export async function saveCheckpoint(db: Queryable, fence: Fence, c: NewCheckpoint, bytes: Buffer): Promise<boolean> {
  const { rows } = await db.query<{ saved: boolean }>({
    name: 'save_checkpoint',
    text: 'select lockkeeper.save_checkpoint($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) as saved',
    values: [
      fence.key, fence.claim, fence.epoch, c.seq, c.kind, c.stateVersion, PLAIN.keyId, PLAIN.nonce, bytes,
      c.progress.done ?? null, c.progress.total ?? null, c.progress.note ?? null,
    ],
  });
  return rows[0]!.saved;
}

/** Where a job stands and who holds it: read after a connection was lost under a save. */
export async function readHead(
  ledger: Ledger,
  key: string,
): Promise<{ seq: number; epoch: number; claim: string | undefined } | undefined> {
  const { rows } = await ledger.pool.query<{ seq: string; epoch: string; claim: string | null }>(
    'select seq, epoch, claim from lockkeeper._jobs where key = $1',
    [key],
  );
  const row = rows[0];
  return row && { seq: Number(row.seq), epoch: Number(row.epoch), claim: row.claim ?? undefined };
}

/** The checkpoint a job goes on from; `undefined`: its initial state; `missing`: the row that should be there is not. */
export async function loadCheckpoint(ledger: Ledger, key: string): Promise<Checkpoint | undefined | 'missing'> {
  const { rows } = await ledger.pool.query<{
    target: string;
    seq: string | null;
    kind: 'state' | 'done';
    state_version: number;
    key_id: string;
    ciphertext: Buffer;
  }>(
    `select coalesce(j.restore_seq, j.seq) as target, p.seq, p.kind, p.state_version, p.key_id, p.ciphertext
     from lockkeeper._jobs j
     left join lockkeeper._checkpoints p on p.key = j.key and p.seq = coalesce(j.restore_seq, j.seq)
     where j.key = $1`,
    [key],
  );
  const row = rows[0];
  if (!row || Number(row.target) === 0) return undefined;
  if (row.seq === null || row.key_id !== PLAIN.keyId) return 'missing';
  return {
    seq: Number(row.seq),
    kind: row.kind,
    stateVersion: row.state_version,
    value: JSON.parse(row.ciphertext.toString()) as unknown,
  };
}

/** Ends a job in the ledger, or says why it waits; the claim must still be its holder's. */
export async function markJob(
  ledger: Ledger,
  key: string,
  state: 'waiting' | 'quarantined' | 'failed' | 'cancelled',
  reason: string,
): Promise<void> {
  await ledger.pool.query(
    `update lockkeeper._jobs set state = $2, reason = $3, changed_at = now()
     where key = $1 and state not in ('done', 'cancelled')`,
    [key, state, reason],
  );
}
