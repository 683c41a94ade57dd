import { LockkeeperError } from '../errors.ts';
import type { Ledger } from './pool.ts';
import { checkSchema } from './schema.ts';

/**
 * Makes sure that this ledger belongs to this Temporal cluster and namespace; the first caller writes it down.
 * Returns the ledger's id, which stands in the reason of every brake.
 * @throws {LockkeeperError} POSTGRES_TOO_OLD, LEDGER_SCHEMA, LEDGER_WRONG_CLUSTER
 */
export async function bindLedger(ledger: Ledger, clusterId: string): Promise<string> {
  await checkSchema(ledger.pool);
  await ledger.pool.query('select lockkeeper.bind_ledger($1, $2)', [clusterId, ledger.namespace]);
  return checkOwner(ledger, clusterId);
}

/**
 * The same for those who only look and ask: a ledger that belongs to nobody yet stays so.
 * @throws {LockkeeperError} LEDGER_WRONG_CLUSTER
 */
export async function checkOwner(ledger: Ledger, clusterId: string): Promise<string> {
  const { rows } = await ledger.pool.query<{ id: string; cluster_id: string | null; namespace: string | null }>(
    'select id, cluster_id, namespace from lockkeeper._ledger',
  );
  const { id, cluster_id: cluster, namespace } = rows[0]!;
  if ((cluster ?? clusterId) === clusterId && (namespace ?? ledger.namespace) === ledger.namespace) return id;
  throw new LockkeeperError(
    'LEDGER_WRONG_CLUSTER',
    `this ledger belongs to Temporal cluster ${cluster}, namespace ${namespace}; ` +
      `connected to cluster ${clusterId}, namespace ${ledger.namespace}`,
    {
      next: 'Give each cluster and namespace a database of its own, or correct TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE or DATABASE_URL',
    },
  );
}
