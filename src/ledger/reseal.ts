import { createHash } from 'node:crypto';
import type { QueryResult, QueryResultRow } from 'pg';
import type { SavedCheckpoint } from './checkpoints.ts';

/** The connection of a job's transaction. */
interface Sql {
  query<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<QueryResult<Row>>;
}

/** A checkpoint that is encrypted by another key than the one that is wanted. */
export interface OldRow extends Pick<
  SavedCheckpoint,
  'seq' | 'kind' | 'stateVersion' | 'keyId' | 'nonce' | 'ciphertext'
> {
  readonly key: string;
}

/** Where a walk over all checkpoints has come to. */
export interface Walked {
  readonly key: string;
  readonly seq: number;
}

/** Rows read at once, and their bytes together: at least one row. */
const ROWS_AT_ONCE = 50;
const BYTES_AT_ONCE = 8 * 1024 * 1024;

/** The next checkpoints that are not encrypted by `keyId`, in the order of the walk. */
export async function nextOldRows(db: Sql, keyId: string, after: Walked): Promise<OldRow[]> {
  const { rows } = await db.query<{
    key: string;
    seq: string;
    kind: 'state' | 'done';
    state_version: number;
    key_id: string;
    nonce: Buffer;
    ciphertext: Buffer;
  }>(
    `with next as (
       select key, seq, sum(length(ciphertext)) over (order by key, seq) - length(ciphertext) as before
       from (select key, seq, ciphertext from lockkeeper._checkpoints
             where key_id <> $1 and (key, seq) > ($2, $3::bigint) order by key, seq limit ${ROWS_AT_ONCE}) first_ones)
     select p.key, p.seq, p.kind, p.state_version, p.key_id, p.nonce, p.ciphertext
     from lockkeeper._checkpoints p join next n on n.key = p.key and n.seq = p.seq and n.before < ${BYTES_AT_ONCE}
     order by p.key, p.seq`,
    [keyId, after.key, after.seq],
  );
  return rows.map((row) => ({
    key: row.key,
    seq: Number(row.seq),
    kind: row.kind,
    stateVersion: row.state_version,
    keyId: row.key_id,
    nonce: row.nonce,
    ciphertext: row.ciphertext,
  }));
}

/** Puts a row that was encrypted anew in the place of the old one. False: it is not there any more, or another one is. */
export async function resealRow(
  db: Sql,
  old: OldRow,
  sealed: Pick<SavedCheckpoint, 'keyId' | 'nonce' | 'ciphertext'>,
): Promise<boolean> {
  const { rows } = await db.query<{ done: boolean }>(
    'select lockkeeper.reseal_checkpoint($1, $2, $3, $4, $5, $6, $7) as done',
    [
      old.key,
      old.seq,
      old.keyId,
      createHash('sha256').update(old.ciphertext).digest(),
      sealed.keyId,
      sealed.nonce,
      sealed.ciphertext,
    ],
  );
  return rows[0]!.done;
}

/** What may hold encrypted texts of one job. */
export interface OldTexts {
  readonly key: string;
  readonly note: string | null;
  readonly reason: string | null;
  readonly wentBack: string | null;
  readonly findings: string | null;
}

const JOBS_AT_ONCE = 100;

/** A note is the job's own, all of it: this one is from before there were keys. */
export const PLAIN_NOTE = `(progress_note <> '' and progress_note not like 'sealed:%')`;

/** The next jobs some text of which is encrypted by another key, or by none; those that somebody writes just now come with the next walk. */
export async function nextOldTexts(db: Sql, keyId: string, afterKey: string): Promise<OldTexts[]> {
  const { rows } = await db.query<OldTexts>(
    `select key, progress_note as note, reason, went_back as "wentBack", findings::text as findings from lockkeeper._jobs
     where key > $2 and (${PLAIN_NOTE} or exists (
       select from regexp_matches(concat_ws(' ', progress_note, reason, went_back, findings::text), 'sealed:([A-Za-z0-9._-]{1,64}):', 'g') f
       where f[1] <> $1))
     order by key limit ${JOBS_AT_ONCE} for update skip locked`,
    [keyId, afterKey],
  );
  return rows;
}

/** False: the texts are others by now. */
export async function resealTexts(db: Sql, old: OldTexts, now: Omit<OldTexts, 'key'>): Promise<boolean> {
  const { rows } = await db.query<{ done: boolean }>(
    'select lockkeeper.reseal_texts($1, $2, $3, $4, $5, $6, $7, $8, $9) as done',
    [old.key, old.note, old.reason, old.wentBack, old.findings, now.note, now.reason, now.wentBack, now.findings],
  );
  return rows[0]!.done;
}
