import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectTemporal } from '../../src/client/connection.ts';
import { ensureSearchAttributes } from '../../src/client/search-attributes.ts';
import { startPostgres } from '../../src/dev/postgres.ts';
import type { PostgresServer } from '../../src/dev/postgres.ts';
import { findTemporal, userCacheDir } from '../../src/dev/temporal-binary.ts';
import { startTemporal } from '../../src/dev/temporal-server.ts';
import type { TemporalServer } from '../../src/dev/temporal-server.ts';
import { migrateLedger } from '../../src/ledger/migrate.ts';
import { SEARCH_ATTRIBUTES } from '../../src/protocol.ts';
import { atEnd } from '../support/at-end.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { quietLog } from '../support/quiet-log.ts';
import { Scene } from '../support/scene.ts';

const quiet = () => undefined;
const portOf = (url: string) => Number(new URL(url.includes('//') ? url : `tcp://${url}`).port);

/** A Temporal server and a Postgres of one's own, that can be killed and come back with all they had written. */
export class OwnServers {
  readonly #dir: string;
  readonly #binary: string;
  #temporal: TemporalServer;
  #postgres: PostgresServer;

  private constructor(dir: string, binary: string, temporal: TemporalServer, postgres: PostgresServer) {
    this.#dir = dir;
    this.#binary = binary;
    this.#temporal = temporal;
    this.#postgres = postgres;
  }

  /** They end with the test. */
  static async start(): Promise<OwnServers> {
    const dir = await mkdtemp(path.join(tmpdir(), 'lockkeeper-servers-'));
    await chmod(dir, 0o755);
    const { path: binary } = await findTemporal({ cacheDir: userCacheDir(), log: quiet });
    const temporal = await startTemporal({ binary, dir, searchAttributes: SEARCH_ATTRIBUTES, log: quiet });
    const postgres = await startPostgres({ dir, durable: false, log: quiet });
    const servers = new OwnServers(dir, binary, temporal, postgres);
    atEnd(() => rm(dir, { recursive: true, force: true }));
    atEnd(async () => {
      await servers.#temporal.stop();
      await servers.#postgres.stop();
    });
    return servers;
  }

  get databaseUrl(): string {
    return this.#postgres.url;
  }

  async scene(): Promise<Scene> {
    const env = { TEMPORAL_ADDRESS: this.#temporal.address, TEMPORAL_NAMESPACE: 'default' };
    const temporal = await connectTemporal(env);
    atEnd(() => temporal.connection.close());
    await ensureSearchAttributes(temporal.connection, temporal.namespace);
    await migrateLedger(this.#postgres.url, quietLog);
    const ledger = await freshLedger({ databaseUrl: this.#postgres.url, namespace: 'default' });
    return new Scene({ ...temporal, address: this.#temporal.address, env }, ledger);
  }

  killTemporal(): void {
    this.#temporal.kill('SIGKILL');
  }

  async temporalComesBack(): Promise<void> {
    await this.#temporal.stop();
    const { address, uiUrl } = this.#temporal;
    this.#temporal = await startTemporal({
      binary: this.#binary,
      dir: this.#dir,
      port: portOf(address),
      uiPort: portOf(uiUrl),
      searchAttributes: SEARCH_ATTRIBUTES,
      log: quiet,
    });
  }

  killPostgres(): void {
    process.kill(this.#postgres.pid, 'SIGKILL');
  }

  async postgresComesBack(): Promise<void> {
    await this.#postgres.stop();
    this.#postgres = await startPostgres({
      dir: this.#dir,
      port: portOf(this.#postgres.url),
      durable: false,
      log: quiet,
    });
  }
}
