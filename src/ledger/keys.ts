import type { Ledger } from './pool.ts';
import { PLAIN_NOTE } from './reseal.ts';

/** How much of the ledger one key still encrypts. */
export interface KeyInUse {
  /** `none`: not encrypted. */
  readonly keyId: string;
  /** Saved states and results. */
  readonly checkpoints: number;
  /** Notes of progress, and reasons. */
  readonly texts: number;
}

/** The keys without which something in the ledger could not be read, and `none` while something in it is not encrypted. */
export async function keysInUse(ledger: Ledger): Promise<KeyInUse[]> {
  const { rows } = await ledger.pool.query<KeyInUse>(
    `with used as (
       select key_id, count(*) as checkpoints, 0 as texts from lockkeeper._checkpoints group by key_id
       union all
       select found[1], 0, count(*) from lockkeeper._jobs,
         regexp_matches(concat_ws(' ', progress_note, reason, went_back, findings::text), 'sealed:([A-Za-z0-9._-]{1,64}):', 'g') as found
       group by found[1]
       union all
       select 'none', 0, count(*) from lockkeeper._jobs where ${PLAIN_NOTE} having count(*) > 0)
     select key_id as "keyId", sum(checkpoints)::integer as checkpoints, sum(texts)::integer as texts
     from used group by key_id order by key_id`,
  );
  return rows;
}

/**
 * The keys without which jobs that have not ended could not go on from what they saved; `none`: one has saved nothing encrypted.
 * A plain row beside encrypted ones is no old job's: somebody put it there, and it stops that job, not the workers.
 */
export async function keysOfOpenJobs(ledger: Ledger): Promise<string[]> {
  const { rows } = await ledger.pool.query<{ keyId: string }>(
    `select distinct c.key_id as "keyId" from lockkeeper._jobs j join lockkeeper._checkpoints c using (key)
     where j.namespace = $1 and j.state not in ('done', 'failed', 'cancelled')
       and (c.key_id <> 'none' or not exists (select from lockkeeper._checkpoints o where o.key = c.key and o.key_id <> 'none'))
     order by 1`,
    [ledger.namespace],
  );
  return rows.map(({ keyId }) => keyId);
}
