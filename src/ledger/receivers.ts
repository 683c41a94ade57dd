import { NOTICE_DEADLINE } from '../defaults.ts';
import { inTransaction } from './pool.ts';
import type { Ledger } from './pool.ts';

/** What the ledger must know of a receiver to write notices for it; how it is reached is none of the ledger's business. */
export interface ReceiverRow {
  readonly name: string;
  readonly events: readonly string[];
  /** Names of jobs; undefined: all. */
  readonly jobs?: readonly string[];
  readonly owners?: readonly string[];
  /** Only for jobs whose owner is a mail address. */
  readonly toOwner: boolean;
}

/** From now on notices of the environment are written for these receivers and no others. */
export async function writeReceivers(
  ledger: Ledger,
  environment: string,
  receivers: readonly ReceiverRow[],
): Promise<void> {
  await inTransaction(ledger, async (client) => {
    const names = receivers.map(({ name }) => name);
    await client.query(
      'delete from lockkeeper._receivers where namespace = $1 and environment = $2 and not (name = any($3))',
      [ledger.namespace, environment, names],
    );
    for (const { name, events, jobs, owners, toOwner } of receivers) {
      await client.query(
        `insert into lockkeeper._receivers (namespace, environment, name, events, jobs, owners, to_owner, until)
         values ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 millisecond')
         on conflict (namespace, environment, name) do update set events = excluded.events, jobs = excluded.jobs,
           owners = excluded.owners, to_owner = excluded.to_owner, until = excluded.until`,
        [ledger.namespace, environment, name, events, jobs ?? null, owners ?? null, toOwner, NOTICE_DEADLINE],
      );
    }
  });
}

/** A deploy worker still tells these receivers. */
export async function keepReceivers(ledger: Ledger, environment: string, names: readonly string[]): Promise<void> {
  await ledger.pool.query(
    `update lockkeeper._receivers set until = now() + $4 * interval '1 millisecond'
     where namespace = $1 and environment = $2 and name = any($3)`,
    [ledger.namespace, environment, names, NOTICE_DEADLINE],
  );
}
