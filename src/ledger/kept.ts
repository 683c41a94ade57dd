import type { Ledger } from './pool.ts';

/** A checkpoint that is kept of a job, as it is shown. */
export interface KeptCheckpoint {
  readonly seq: number;
  readonly kind: 'state' | 'done';
  readonly stateVersion: number;
  /** Of the worker that wrote it. */
  readonly buildId: string;
  /** `none`: it is not encrypted. */
  readonly keyId: string;
  readonly at: Date;
  /** What the worker that put the job into quarantine found; `notTried`: it was not looked at. */
  readonly found: 'restorable' | 'unrestorable' | 'notTried';
  /** Why it cannot be restored; what is the job's own in it may be encrypted. */
  readonly why?: string;
  /** SQL of the job was committed with a later one: going on from here does that again. */
  readonly repeatsEffects: boolean;
}

interface RawKept {
  seq: string;
  kind: 'state' | 'done';
  state_version: number;
  build_id: string;
  key_id: string;
  at: Date;
  effect_seq: string;
  findings: readonly { readonly seq: number; readonly why?: string }[] | null;
}

/** What is kept of a job, the newest first. */
export async function listKept(ledger: Ledger, key: string): Promise<KeptCheckpoint[]> {
  const { rows } = await ledger.pool.query<RawKept>(
    `select p.seq, p.kind, p.state_version, p.build_id, p.key_id, p.at, j.effect_seq, j.findings
     from lockkeeper.checkpoints p join lockkeeper.jobs j on j.key = p.key where p.key = $1 order by p.seq desc`,
    [key],
  );
  return rows.map((row) => {
    const seq = Number(row.seq);
    const finding = row.findings?.find((one) => one.seq === seq);
    return {
      seq,
      kind: row.kind,
      stateVersion: row.state_version,
      buildId: row.build_id,
      keyId: row.key_id,
      at: row.at,
      found: finding === undefined ? 'notTried' : finding.why === undefined ? 'restorable' : 'unrestorable',
      ...(finding?.why !== undefined && { why: finding.why }),
      repeatsEffects: seq < Number(row.effect_seq),
    };
  });
}
