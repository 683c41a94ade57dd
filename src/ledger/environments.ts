import type { Ledger } from './pool.ts';

/** The environments that have had a worker, a deploy worker or a deploy, in the order of their names. */
export async function listEnvironments(ledger: Ledger): Promise<string[]> {
  const { rows } = await ledger.pool.query<{ environment: string }>(
    `select environment from lockkeeper._gates where namespace = $1
     union select environment from lockkeeper._deploys where namespace = $1 order by environment`,
    [ledger.namespace],
  );
  return rows.map((row) => row.environment);
}
