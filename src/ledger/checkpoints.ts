import { storable } from '../storable.ts';
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

/** A result may have a form of its own in JSON, as a Date has: whoever reads it reads JSON. A state comes back to the job. */
export type Encoded = 'the state' | 'the initial state' | 'the result';

/** JSON would leave these out, or write something else in their place, and the job would go on with a state it never had. */
function refuseUnfit(this: unknown, what: Encoded, key: string, given: unknown): unknown {
  // JSON hands over what `toJSON` made of a value, a string for a Date: what was there is still in its holder.
  const value = (this as Record<string, unknown>)[key];
  const unfit = nameOfUnfit(value) ?? (what === 'the result' ? undefined : nameOfClass(value));
  if (unfit === undefined) return given;
  throw new TypeError(key === '' ? `it is ${unfit}` : `it holds ${unfit} at ${JSON.stringify(key)}`);
}

function nameOfUnfit(value: unknown): string | undefined {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') return `a ${typeof value}`;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : String(value);
  return value instanceof Map || value instanceof Set ? `a ${value.constructor.name}` : undefined;
}

/** A job would be given back something else than it yielded, and would only notice after an interruption. */
function nameOfClass(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // By its looks, not by identity: test runners give the code under test globals of its own.
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return undefined;
  return `a ${value.constructor?.name || 'value with a class'}`;
}

/**
 * The bytes of a state or result.
 * @throws {LockkeeperError} STATE_INVALID when JSON cannot hold it, STATE_TOO_LARGE above 8 MiB
 */
export function encodeState(value: unknown, what: Encoded): Buffer {
  let text: string;
  try {
    text = JSON.stringify(value === undefined ? null : value, function (this: unknown, key: string, given: unknown) {
      return refuseUnfit.call(this, what, key, given);
    });
  } catch (error) {
    throw new LockkeeperError('STATE_INVALID', `${what} cannot be written as JSON: ${(error as Error).message}`, {
      next: 'Keep only plain objects, arrays, strings, finite numbers, booleans and null in it',
      cause: error,
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
      fence.key,
      fence.claim,
      fence.epoch,
      c.seq,
      c.kind,
      c.stateVersion,
      PLAIN.keyId,
      PLAIN.nonce,
      bytes,
      c.progress.done ?? null,
      c.progress.total ?? null,
      c.progress.note === undefined ? null : storable(c.progress.note),
    ],
  });
  return rows[0]!.saved;
}

/**
 * Where a job stands and who holds it: read after a connection was lost under a save. A standby is not believed: it may not have
 * heard of the save yet.
 */
export async function readHead(
  ledger: Ledger,
  key: string,
): Promise<{ seq: number; epoch: number; claim: string | undefined } | undefined> {
  const { rows } = await ledger.pool.query<{ seq: string; epoch: string; claim: string | null }>(
    // `for update` of nothing: refused where nothing can be written, and no lock is waited for.
    `with writable as (select from lockkeeper._jobs where false for update)
     select seq, epoch, claim from lockkeeper._jobs where key = $1 and not exists (select from writable)`,
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

/** Says in the ledger how a job stands; only the claim that holds it may, and a job that has ended stays as it ended. */
export async function markJob(
  ledger: Ledger,
  key: string,
  claim: string,
  state: 'waiting' | 'quarantined' | 'failed' | 'cancelled',
  reason: string,
): Promise<void> {
  await ledger.pool.query(
    `update lockkeeper._jobs set state = $3, reason = $4, changed_at = now()
     where key = $1 and claim = $2 and state not in ('done', 'cancelled')`,
    [key, claim, state, storable(reason)],
  );
}

/** The job was told to end: what its claim does from here on is no interruption. */
export async function markCancelling(ledger: Ledger, key: string, claim: string): Promise<void> {
  await ledger.pool.query('update lockkeeper._jobs set cancelling = true where key = $1 and claim = $2', [key, claim]);
}

/** A person has given up a quarantined job. */
export async function markGivenUp(ledger: Ledger, key: string): Promise<void> {
  await ledger.pool.query(
    `update lockkeeper._jobs set state = 'failed', changed_at = now() where key = $1 and state = 'quarantined'`,
    [key],
  );
}
