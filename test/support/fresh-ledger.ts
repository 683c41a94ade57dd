import { bindLedger } from '../../src/ledger/identity.ts';
import { openLedger } from '../../src/ledger/pool.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { atEnd } from './at-end.ts';
import { freshDatabase } from './database.ts';
import { quietLog } from './quiet-log.ts';

export interface FreshLedgerOptions {
  /** Another database than a fresh one, for instance through a proxy. */
  readonly databaseUrl?: string;
  readonly namespace?: string;
  /** Binds the ledger to this cluster; left unbound otherwise, for the worker under test to bind. */
  readonly clusterId?: string;
}

/**
 * A ledger in a database of its own for the file, or for the test when called inside one; closed at its end.
 * @example const ledger = await freshLedger(); // at the top of the file
 */
export async function freshLedger(options: FreshLedgerOptions = {}): Promise<Ledger> {
  const ledger = openLedger({
    databaseUrl: options.databaseUrl ?? (await freshDatabase()),
    namespace: options.namespace ?? 'test',
    applicationName: 'lockkeeper-test',
    log: quietLog,
  });
  atEnd(() => ledger.close());
  if (options.clusterId !== undefined) await bindLedger(ledger, options.clusterId);
  return ledger;
}
