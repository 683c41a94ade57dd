import { randomUUID } from 'node:crypto';
import { JobSeal } from '../../src/crypto/job-seal.ts';
import type { Keyring } from '../../src/crypto/keyring.ts';
import type { AnyJob } from '../../src/jobs/index.ts';
import { runSlice } from '../../src/jobs/run-slice.ts';
import type { SliceEnd } from '../../src/jobs/run-slice.ts';
import { Saver } from '../../src/jobs/saver.ts';
import { spoken } from '../../src/jobs/reason.ts';
import { loadCheckpoint } from '../../src/ledger/checkpoints.ts';
import { endClaim } from '../../src/ledger/claims.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { claim, head, loadPlain } from '../support/claiming.ts';
import { inTime } from '../support/eventually.ts';
import { quietLog } from '../support/quiet-log.ts';

export interface SliceOptions {
  readonly ledger: Ledger;
  readonly taskQueue: string;
  /** Another slice of this job; a new job otherwise. */
  readonly key?: string;
  readonly keyring?: Keyring;
  readonly input?: unknown;
  readonly mode?: 'run' | 'cancel';
  readonly patienceMs?: number;
  readonly idleTimeoutMs?: number;
  readonly stopping?: AbortSignal;
  readonly cancelled?: AbortSignal;
  readonly onProgress?: () => void;
}

/** A slice that runs. */
export interface RunningSlice {
  readonly key: string;
  readonly claim: string;
  readonly saver: Saver;
  /** How it ended; rejects with the error of the job's own code. Bounded. */
  readonly ended: Promise<SliceEnd>;
}

/** Claims a job and runs one slice of it, as the activity does, without Temporal. The claim is released at its end. */
export async function startSlice(definition: AnyJob, options: SliceOptions): Promise<RunningSlice> {
  const { ledger, taskQueue, key = `job-${randomUUID()}` } = options;
  const claimed = await claim(ledger, { taskQueue, key, job: definition.name });
  if (claimed.verdict !== 'claimed') throw new Error(`not claimed: ${claimed.verdict} ${claimed.reason ?? ''}`);
  const version = definition.options.state?.version ?? 1;
  const seal = new JobSeal(options.keyring, key);
  const saver = new Saver(ledger, claimed.fence, claimed.seq, version, { seal, patienceMs: options.patienceMs });
  const restored = saver.restore(definition, await loadCheckpoint(ledger, key));
  if (!restored.ok) throw new Error(`not restored: ${spoken(restored.reason)}`);
  const work = runSlice({
    definition,
    mode: options.mode ?? 'run',
    input: options.input,
    state: restored.state,
    jobId: `workflow of ${key}`,
    ledger,
    saver,
    stopping: options.stopping ?? new AbortController().signal,
    cancelled: options.cancelled ?? new AbortController().signal,
    log: quietLog,
    idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
    ...(options.onProgress && { onProgress: options.onProgress }),
  });
  const released = work.finally(async () => {
    if (!saver.away) await saver.whenLedgerIsBack(() => endClaim(ledger, claimed.claim, 'released', 'the slice ended'));
  });
  return { key, claim: claimed.claim, saver, ended: inTime(released, 20_000, 'the slice did not end') };
}

/** One slice from its start to its end. */
export async function runOne(
  definition: AnyJob,
  options: SliceOptions,
): Promise<{ key: string; end: SliceEnd; saver: Saver }> {
  const { key, ended, saver } = await startSlice(definition, options);
  return { key, end: await ended, saver };
}

/** What the ledger has of a job: the number of its last checkpoint, and what is in it. */
export async function savedIn(ledger: Ledger, key: string): Promise<{ seq: number; kind?: string; value?: unknown }> {
  const last = await loadPlain(ledger, key);
  if (last === undefined || last === 'missing') return { seq: (await head(ledger, key))?.seq ?? -1 };
  return { seq: last.seq, kind: last.kind, value: last.value };
}

/** A slice that is expected to fail: the error of the job's own code. */
export async function failureOf(slice: RunningSlice): Promise<unknown> {
  const ended = await slice.ended.then(
    (end) => ({ end }),
    (error: unknown) => ({ error }),
  );
  if ('error' in ended) return ended.error;
  throw new Error(`the slice did not fail: ${ended.end.kind}`);
}
