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

/** A checkpoint as its row has it. Who wrote it with a keyring says by which key; `none`: the ciphertext is plain JSON. */
export interface SavedCheckpoint {
  readonly seq: number;
  readonly kind: 'state' | 'done';
  readonly stateVersion: number;
  /** Of the worker that wrote it. */
  readonly buildId: string;
  readonly keyId: string;
  readonly nonce: Buffer;
  readonly ciphertext: Buffer;
}

export interface NewCheckpoint extends SavedCheckpoint {
  /** SQL of the job is committed together with it: going back behind it would do that again. */
  readonly withEffect: boolean;
  /** Its note as it may stand in the ledger. */
  readonly progress: Progress;
}

/** What follows key, claim and epoch in the parameters of `save_checkpoint`. */
export const checkpointValues = (c: NewCheckpoint): unknown[] => [
  c.seq,
  c.kind,
  c.stateVersion,
  c.buildId,
  c.keyId,
  c.nonce,
  c.ciphertext,
  c.withEffect,
  c.progress.done ?? null,
  c.progress.total ?? null,
  c.progress.note ?? null,
];

/** Saves a checkpoint. False: refused; the claim was fenced, or `seq` is not the number after the last one. */
export async function saveCheckpoint(db: Queryable, fence: Fence, checkpoint: NewCheckpoint): Promise<boolean> {
  const { rows } = await db.query<{ saved: boolean }>({
    name: 'save_checkpoint',
    text: 'select lockkeeper.save_checkpoint($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) as saved',
    values: [fence.key, fence.claim, fence.epoch, ...checkpointValues(checkpoint)],
  });
  return rows[0]!.saved;
}

/** A plain save as it is asked for: without SQL of the job. */
export interface PlainSave {
  readonly fence: Fence;
  readonly checkpoint: NewCheckpoint;
}

/** `busy`: nothing was done, because somebody holds the job's row. */
export type SaveOutcome = 'saved' | 'refused' | 'busy';

/** Saves a checkpoint, and does not wait for whoever holds the job's row. */
export async function saveUnlessBusy(db: Queryable, { fence, checkpoint }: PlainSave): Promise<SaveOutcome> {
  const { rows } = await db.query<{ saved: boolean | null }>({
    name: 'save_unless_busy',
    text: `with free as (select from lockkeeper._jobs where key = $1 for no key update skip locked)
      select (select lockkeeper.save_checkpoint($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) from free) as saved`,
    values: [fence.key, fence.claim, fence.epoch, ...checkpointValues(checkpoint)],
  });
  const { saved } = rows[0]!;
  if (saved === null) return 'busy';
  return saved ? 'saved' : 'refused';
}

/** Saves a checkpoint of each of several jobs in one transaction. An error means that none was saved. */
export async function saveCheckpoints(db: Queryable, saves: readonly PlainSave[]): Promise<readonly SaveOutcome[]> {
  const column = (of: (fence: Fence, checkpoint: NewCheckpoint) => unknown) =>
    saves.map(({ fence, checkpoint }) => of(fence, checkpoint));
  const { rows } = await db.query<{ outcomes: SaveOutcome[] }>({
    name: 'save_checkpoints',
    text: 'select lockkeeper.save_checkpoints($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) as outcomes',
    values: [
      column(({ key }) => key),
      column(({ claim }) => claim),
      column(({ epoch }) => epoch),
      column((_, { seq }) => seq),
      column((_, { kind }) => kind),
      column((_, { stateVersion }) => stateVersion),
      column((_, { buildId }) => buildId),
      column((_, { keyId }) => keyId),
      column((_, { nonce }) => nonce),
      column((_, { ciphertext }) => ciphertext.length),
      // In one piece: the driver writes an array of bytes as text, twice as long.
      Buffer.concat(saves.map(({ checkpoint }) => checkpoint.ciphertext)),
      column((_, { progress }) => progress.done ?? null),
      column((_, { progress }) => progress.total ?? null),
      column((_, { progress }) => progress.note ?? null),
    ],
  });
  return rows[0]!.outcomes;
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

interface RawCheckpoint {
  target: string;
  seq: string | null;
  kind: 'state' | 'done';
  state_version: number;
  build_id: string;
  key_id: string;
  nonce: Buffer;
  ciphertext: Buffer;
}

const checkpointOf = (row: RawCheckpoint): SavedCheckpoint => ({
  seq: Number(row.seq),
  kind: row.kind,
  stateVersion: row.state_version,
  buildId: row.build_id,
  keyId: row.key_id,
  nonce: row.nonce,
  ciphertext: row.ciphertext,
});

/** Everything that is kept of a job, the newest first. */
export interface Kept {
  /** The number of the checkpoint it goes on from; 0: its initial state. */
  readonly target: number;
  /** The last one with which SQL of the job was committed. */
  readonly effectSeq: number;
  readonly rows: readonly SavedCheckpoint[];
}

export async function keptCheckpoints(ledger: Ledger, key: string): Promise<Kept> {
  const { rows } = await ledger.pool.query<RawCheckpoint & { effect_seq: string }>(
    `select coalesce(j.restore_seq, j.seq) as target, j.effect_seq, p.seq, p.kind, p.state_version, p.build_id, p.key_id, p.nonce,
       p.ciphertext
     from lockkeeper._jobs j left join lockkeeper._checkpoints p on p.key = j.key
     where j.key = $1 order by p.seq desc`,
    [key],
  );
  return {
    target: Number(rows[0]?.target ?? 0),
    effectSeq: Number(rows[0]?.effect_seq ?? 0),
    rows: rows.filter((row) => row.seq !== null).map(checkpointOf),
  };
}

/** A checkpoint, and the job's progress as it stands in the ledger. */
export interface LoadedCheckpoint extends SavedCheckpoint {
  readonly progress: Progress;
}

interface RawProgress {
  progress_done: number | null;
  progress_total: number | null;
  progress_note: string | null;
}

/** The checkpoint a job goes on from; `undefined`: its initial state; `missing`: the row that should be there is not. */
export async function loadCheckpoint(ledger: Ledger, key: string): Promise<LoadedCheckpoint | undefined | 'missing'> {
  const { rows } = await ledger.pool.query<RawCheckpoint & RawProgress>(
    `select coalesce(j.restore_seq, j.seq) as target, j.progress_done, j.progress_total, j.progress_note, p.seq, p.kind,
       p.state_version, p.build_id, p.key_id, p.nonce, p.ciphertext
     from lockkeeper._jobs j
     left join lockkeeper._checkpoints p on p.key = j.key and p.seq = coalesce(j.restore_seq, j.seq)
     where j.key = $1`,
    [key],
  );
  const row = rows[0];
  if (!row || Number(row.target) === 0) return undefined;
  if (row.seq === null) return 'missing';
  const { progress_done: done, progress_total: total, progress_note: note } = row;
  return {
    ...checkpointOf(row),
    progress: { done: done ?? undefined, total: total ?? undefined, note: note ?? undefined },
  };
}
