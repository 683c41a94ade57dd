import pg from 'pg';
import { LockkeeperError } from '../errors.ts';
import { CLIENT_KEEPALIVE_AFTER } from '../defaults.ts';
import type { Logger } from '../log.ts';

/** How long to wait for a connection, and for an answer on one that stands, milliseconds. */
const CONNECT_WITHIN = 5_000;
const ANSWER_WITHIN = 5_000;
/**
 * Both ends notice within about ten seconds that the other one lost its power or its network: the server so that the locks
 * of this connection are let go, the client so that it takes them anew. Seconds, and a number of probes.
 */
const KEEPALIVES = 'set tcp_keepalives_idle = 4; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3';
/** What role or database set for their sessions is not meant for one that stands for as long as its process lives. */
const NO_TIMEOUTS = 'set idle_session_timeout = 0; set statement_timeout = 0; set lock_timeout = 0';

export interface LedgerConnectionOptions {
  readonly databaseUrl: string;
  /** What the connection is called in `pg_stat_activity`. */
  readonly name: string;
  readonly log: Logger;
  /** Whether a question may stay unanswered for longer than a moment, as one for a lock may. */
  readonly patient?: boolean;
}

/** A connection that stands, and the promise that resolves when it is gone. */
export interface LedgerConnection {
  readonly client: pg.Client;
  readonly gone: Promise<void>;
}

/**
 * Opens a connection whose session means something: its locks say that this process lives.
 * @throws {LockkeeperError} LEDGER_POOLED
 */
export async function connectToLedger(options: LedgerConnectionOptions): Promise<LedgerConnection> {
  const { name, log } = options;
  const client = new pg.Client({
    connectionString: options.databaseUrl,
    application_name: name,
    keepAlive: true,
    keepAliveInitialDelayMillis: CLIENT_KEEPALIVE_AFTER,
    connectionTimeoutMillis: CONNECT_WITHIN,
    ...(!options.patient && { query_timeout: ANSWER_WITHIN }),
  });
  client.on('error', (error) => log.warn({ err: error, connection: name }, 'a connection to the ledger was lost'));
  const gone = new Promise<void>((resolve) => client.once('end', () => resolve()));
  await client.connect();
  try {
    await refusePooler(client);
    await client.query(`${KEEPALIVES}; ${NO_TIMEOUTS}`);
  } catch (error) {
    await client.end();
    throw error;
  }
  return { client, gone };
}

/**
 * A pooler hands one server session to many clients in turn, and with it their locks. It gives each client a made-up
 * process id, so that ours is not the one of the server process that answers.
 */
async function refusePooler(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  // In the library, and not in its types.
  const { processID } = client as unknown as { processID: number | null };
  if (processID === rows[0]!.pid) return;
  throw new LockkeeperError(
    'LEDGER_POOLED',
    `a connection pooler (such as PgBouncer) stands between here and the ledger's Postgres: process ${rows[0]!.pid} answers, ` +
      `where the connection was made to ${processID}`,
    {
      next: 'Set DATABASE_URL to Postgres itself: session locks, by which lockkeeper notices dead workers, and notifications do not survive pooling',
    },
  );
}
