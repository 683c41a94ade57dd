import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { LockkeeperError, errorMessage, isLockkeeperError } from '../errors.ts';
import { endLeftOver, startGuarded } from './guarded.ts';
import { withPorts } from './ports.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { SUPERUSER, openCluster, releaseStalePid, type Cluster } from './postgres-cluster.ts';
import { postgresHome } from './postgres-home.ts';

export interface StartPostgresOptions {
  /** Holds `postgres/` and `postgres.log`. One server at a time: one left over here is ended first. */
  readonly dir: string;
  /** 0 or undefined: a free one. */
  readonly port?: number | undefined;
  /** False, for tests: faster, and a crash of the machine may lose data. */
  readonly durable?: boolean | undefined;
  readonly log: (line: string) => void;
}

export interface PostgresServer {
  /** Of the database `lockkeeper`, with the password. */
  readonly url: string;
  readonly pid: number;
  /** Stops the server and ends its sessions, by force after 15 s. */
  readonly stop: () => Promise<void>;
}

const DATABASE = 'lockkeeper';
/** Recovery after a crash comes before the first answer. */
const READY_MS = 60_000;
const GRACE_MS = 15_000;
/** A killed server's backends notice within a moment; until then a new server refuses to start. */
const ORPHANS_MS = 15_000;
/** A commit still reaches the kernel, so that tests may kill Postgres. */
const NOT_DURABLE = ['fsync=off', 'full_page_writes=off'];

/**
 * Runs Postgres on 127.0.0.1 with its data in `dir`, and returns when it answers. It ends with this process.
 *
 * @throws LockkeeperError `PORT_TAKEN`, or `LEDGER_UNREACHABLE` with the end of its log when it does not come up.
 * @example const { url } = await startPostgres({ dir: '.lockkeeper', log: console.error });
 */
export async function startPostgres(options: StartPostgresOptions): Promise<PostgresServer> {
  const { durable = true, log } = options;
  const dir = resolve(options.dir);
  const installed = await findPostgresBinaries();
  await mkdir(dir, { recursive: true });
  // SIGINT is Postgres' "fast" shutdown: it ends all sessions, where SIGTERM would wait for them.
  const kept = {
    name: 'Postgres',
    recordFile: join(dir, 'postgres.pid'),
    stopSignal: 'SIGINT',
    graceMs: GRACE_MS,
  } as const;
  await endLeftOver({ ...kept, log });
  try {
    const home = await postgresHome(dir, installed, log);
    const cluster = await openCluster(home, durable);
    return await pastOrphans(async () => {
      await releaseStalePid(cluster.data);
      return withPorts({ Postgres: options.port }, async ({ Postgres: port }) => {
        const server = await startGuarded({
          ...kept,
          log,
          file: home.binaries.postgres,
          args: postgresArgs(cluster, port, durable),
          cwd: home.path,
          user: home.user,
          logFile: join(dir, 'postgres.log'),
        });
        const url = (database: string) => `postgres://${SUPERUSER}:${cluster.password}@127.0.0.1:${port}/${database}`;
        try {
          await server.ready(() => createDatabase(url('postgres')), READY_MS);
        } catch (error) {
          await server.stop();
          throw error;
        }
        return { url: url(DATABASE), pid: server.pid, stop: server.stop };
      });
    });
  } catch (error) {
    if (isLockkeeperError(error)) throw error;
    throw new LockkeeperError('LEDGER_UNREACHABLE', 'Postgres did not start', {
      next: `If its data is of no use any more, delete ${join(dir, 'postgres')}; or set DATABASE_URL to a Postgres that runs already`,
      cause: error,
    });
  }
}

function postgresArgs({ data }: Cluster, port: number, durable: boolean): string[] {
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=300',
    'log_min_messages=warning',
    ...(durable ? [] : NOT_DURABLE),
  ];
  return ['-D', data, '-p', `${port}`, ...settings.flatMap((setting) => ['-c', setting])];
}

async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

async function pastOrphans<T>(start: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + ORPHANS_MS;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      const orphans = errorMessage(error).includes('pre-existing shared memory block');
      if (!orphans || Date.now() > deadline) throw error;
    }
    await sleep(200);
  }
}
