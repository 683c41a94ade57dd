import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import pg from 'pg';
import { CLIENT_KEEPALIVE_AFTER, SAVE_ANSWERED_WITHIN } from '../defaults.ts';
import type { Logger } from '../log.ts';
import { checkDatabaseUrl } from './database-url.ts';
import { SaveBatches } from './save-batches.ts';
import { isReadOnly } from './sql-errors.ts';

/** What a query can be sent to: the pool, or one connection inside a transaction. */
export type Queryable = Pick<pg.Pool | pg.PoolClient, 'query'>;

/** The ledger as the rest of the code sees it: a pool, and whose ledger it is. */
export interface Ledger {
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly namespace: string;
  /**
   * Transactions of jobs wait here for their connection, however long: a busy pool is not a ledger that is away. Some
   * connections are never theirs, so that claims and checkpoints go on meanwhile.
   */
  readonly transactions: LimitFunction;
  /** Plain saves of all slices of this process. */
  readonly saves: Pick<SaveBatches, 'save'>;
  close(): Promise<void>;
}

export interface LedgerOptions {
  readonly databaseUrl: string;
  readonly namespace: string;
  /** Shown in `pg_stat_activity`; the dead-worker watch reads it. */
  readonly applicationName: string;
  readonly log: Logger;
  /** Connections of the pool; 20 unless said otherwise, at least 4. */
  readonly maxConnections?: number;
  /** Milliseconds after which a query is given up; for whoever only looks. No limit unless given. */
  readonly queryTimeoutMs?: number;
}

/** Milliseconds to wait for a connection before the ledger counts as away. */
const CONNECT_TIMEOUT = 5_000;
const MAX_CONNECTIONS = 20;
/** Connections that the transactions of jobs leave free. */
const RESERVED = 3;

/**
 * Opens the pool; nothing is asked yet.
 * @throws {LockkeeperError} USAGE when the URL is none
 */
export function openLedger(options: LedgerOptions): Ledger {
  const max = options.maxConnections ?? MAX_CONNECTIONS;
  const pool = new pg.Pool({
    connectionString: checkDatabaseUrl(options.databaseUrl),
    application_name: options.applicationName,
    max,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    keepAlive: true,
    keepAliveInitialDelayMillis: CLIENT_KEEPALIVE_AFTER,
    ...(options.queryTimeoutMs !== undefined && { query_timeout: options.queryTimeoutMs }),
  });
  // A client whose server goes away emits `error`; without a handler on that very client Node ends the process.
  // The query that was under way rejects by itself, so here it is only noted.
  pool.on('connect', (client) =>
    client.on('error', (error) => options.log.debug({ err: error }, 'ledger connection lost')),
  );
  pool.on('error', (error) => options.log.debug({ err: error }, 'idle ledger connection lost'));
  return {
    pool,
    databaseUrl: options.databaseUrl,
    namespace: options.namespace,
    transactions: pLimit(Math.max(1, max - RESERVED)),
    saves: new SaveBatches(answering(pool, SAVE_ANSWERED_WITHIN)),
    close: () => pool.end(),
  };
}

/** A connection that gives no answer in this time is ended, and the query rejects as after a lost one: it may have been done. */
const answering = (pool: pg.Pool, withinMs: number): Queryable => ({
  query: ((query: pg.QueryConfig) =>
    pool.query({ ...query, query_timeout: withinMs } as pg.QueryConfig)) as pg.Pool['query'],
});

/** Runs `body` in one transaction on one connection. */
export async function inTransaction<T>(ledger: Ledger, body: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await ledger.pool.connect();
  let broken: Error | boolean = false;
  try {
    await client.query('begin');
    const result = await body(client);
    await client.query('commit');
    return result;
  } catch (error) {
    broken = isReadOnly(error);
    await client.query('rollback').catch((failed: Error) => (broken = failed));
    throw error;
  } finally {
    client.release(broken);
  }
}
