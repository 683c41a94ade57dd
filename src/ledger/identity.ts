import { LockkeeperError } from '../errors.ts';
import { BREAKING } from './migrate.ts';
import type { Ledger } from './pool.ts';

/**
 * Makes sure that this ledger belongs to this Temporal cluster and namespace; the first caller writes it down.
 * Returns the ledger's id, which stands in the reason of every brake.
 * @throws {LockkeeperError} LEDGER_SCHEMA, LEDGER_WRONG_CLUSTER
 */
export async function bindLedger(ledger: Ledger, clusterId: string): Promise<string> {
  const exists = await ledger.pool.query<{ found: boolean }>(
    `select to_regclass('lockkeeper._ledger') is not null as found`,
  );
  if (!exists.rows[0]?.found) {
    throw new LockkeeperError('LEDGER_SCHEMA', 'the database has no lockkeeper schema', {
      next: 'Run `lockkeeper ledger migrate`',
    });
  }
  await ledger.pool.query(
    'update lockkeeper._ledger set cluster_id = $1, namespace = $2 where cluster_id is null and namespace is null',
    [clusterId, ledger.namespace],
  );
  const { rows } = await ledger.pool.query<{ id: string; cluster_id: string; namespace: string; breaking: number }>(
    'select id, cluster_id, namespace, breaking from lockkeeper._ledger',
  );
  const found = rows[0]!;
  if (found.breaking > BREAKING) {
    throw new LockkeeperError(
      'LEDGER_SCHEMA',
      `the ledger's schema has breaking change ${found.breaking}, this code knows ${BREAKING}`,
      {
        next: 'Upgrade lockkeeper here',
      },
    );
  }
  if (found.cluster_id !== clusterId || found.namespace !== ledger.namespace) {
    throw new LockkeeperError(
      'LEDGER_WRONG_CLUSTER',
      `this ledger belongs to Temporal cluster ${found.cluster_id}, namespace ${found.namespace}; ` +
        `connected to cluster ${clusterId}, namespace ${ledger.namespace}`,
      {
        next: 'Give each cluster and namespace a database of its own, or correct TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE or DATABASE_URL',
      },
    );
  }
  return found.id;
}
