import { JobSeal } from '../crypto/job-seal.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { LockkeeperError, isLockkeeperError } from '../errors.ts';
import { nextOldRows, nextOldTexts, resealRow, resealTexts } from '../ledger/reseal.ts';
import type { OldRow, OldTexts } from '../ledger/reseal.ts';
import { defineJob } from './define-job.ts';
import type { Job, Sql, Steps } from './job.ts';

/** No user's job is called so. */
export const ROTATE_KEYS = 'lockkeeper.rotateKeys';

export interface Rotation {
  /** The key that is to encrypt everything. */
  readonly to: string;
}
interface At {
  readonly part: 'checkpoints' | 'texts' | 'checkpoints again' | 'texts again';
  readonly key: string;
  readonly seq: number;
  readonly resealed: number;
  readonly unreadable: number;
}
/** Twice: jobs go on saving meanwhile, and a worker that was started before may still have encrypted by the old key. */
const PARTS: readonly At['part'][] = ['checkpoints', 'texts', 'checkpoints again', 'texts again'];

const BEGIN: At = { part: 'checkpoints', key: '', seq: 0, resealed: 0, unreadable: 0 };

/**
 * The built-in job that encrypts everything in the ledger by the current key. Batch by batch, each in one transaction with its
 * place; a row that was saved or dropped in between is left as it is now. What cannot be opened stays as it is, and is counted.
 */
export const rotateKeys = (keyring: Keyring, taskQueue: string) =>
  defineJob({
    name: ROTATE_KEYS,
    taskQueue,
    state: { initial: BEGIN },
    retry: { maximumAttempts: 20 },
    async *run(job, { to }: Rotation): Steps<At, { resealed: number; unreadable: number }> {
      expectCurrent(keyring, to);
      while ((yield* batch(job, keyring)) === 'more');
      return { resealed: job.state.resealed, unreadable: job.state.unreadable };
    },
  });

function expectCurrent(keyring: Keyring, to: string): void {
  if (keyring.current.id === to) return;
  throw new LockkeeperError(
    'KEYRING_INVALID',
    `the keyring of this worker encrypts by ${keyring.current.id}, and everything is to be encrypted by ${to}`,
    { next: `Start the workers with ${to} as the first key of their keyring, then rotate again` },
  );
}

async function* batch(job: Job<At>, keyring: Keyring): Steps<At, 'more' | 'end'> {
  const at = job.state;
  return yield* job.transaction(async (sql, save) => {
    const old = at.part.startsWith('checkpoints')
      ? await resealRows(sql, keyring, at)
      : await resealTextsOfJobs(sql, keyring, at);
    const next = PARTS[PARTS.indexOf(at.part) + 1];
    const counted = { resealed: at.resealed + old.resealed, unreadable: at.unreadable + old.unreadable };
    if (old.last) save({ ...at, ...counted, key: old.last.key, seq: old.last.seq });
    else
      save({
        ...at,
        part: next ?? at.part,
        key: '',
        seq: 0,
        unreadable: next === 'checkpoints again' ? 0 : at.unreadable,
      });
    job.progress(counted.resealed, undefined, `${at.part}, ${counted.unreadable} unreadable`);
    return old.last !== undefined || next !== undefined ? 'more' : 'end';
  });
}

interface Batch {
  readonly resealed: number;
  readonly unreadable: number;
  /** Undefined: there was nothing more. */
  readonly last: { readonly key: string; readonly seq: number } | undefined;
}

async function resealRows(sql: Sql, keyring: Keyring, at: At): Promise<Batch> {
  const rows = await nextOldRows(sql, keyring.current.id, at);
  let [resealed, unreadable] = [0, 0];
  for (const row of rows) {
    const sealed = sealedAnew(row, keyring);
    if (!sealed) unreadable += 1;
    else if (await resealRow(sql, row, sealed)) resealed += 1;
  }
  return { resealed, unreadable, last: rows.at(-1) };
}

function sealedAnew(row: OldRow, keyring: Keyring) {
  const seal = new JobSeal(keyring, row.key);
  try {
    return seal.seal(seal.open(row, row), row);
  } catch (error) {
    if (isLockkeeperError(error)) return undefined;
    throw error;
  }
}

async function resealTextsOfJobs(sql: Sql, keyring: Keyring, at: At): Promise<Batch> {
  const jobs = await nextOldTexts(sql, keyring.current.id, at.key);
  let resealed = 0;
  for (const old of jobs) if (await resealTexts(sql, old, textsAnew(old, keyring))) resealed += 1;
  const last = jobs.at(-1);
  return { resealed, unreadable: 0, last: last && { key: last.key, seq: 0 } };
}

function textsAnew({ key, note, reason, wentBack, findings }: OldTexts, keyring: Keyring): Omit<OldTexts, 'key'> {
  const seal = new JobSeal(keyring, key);
  return {
    note: note === null ? null : seal.resealOwnText(note, 'note'),
    reason: reason === null ? null : seal.resealText(reason, 'reason'),
    wentBack: wentBack === null ? null : seal.resealText(wentBack, 'reason'),
    findings: findings === null ? null : seal.resealText(findings, 'reason'),
  };
}
