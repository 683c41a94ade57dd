import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import type pg from 'pg';
import type { AnyJob } from '../jobs/define-job.ts';
import { Saver } from '../jobs/saver.ts';
import { loadCheckpoint } from '../ledger/checkpoints.ts';
import { claimSlice, endClaim } from '../ledger/claims.ts';
import { ensureGate } from '../ledger/gates.ts';
import { migrateLedger, migrateOn } from '../ledger/migrate.ts';
import { openLedger } from '../ledger/pool.ts';
import type { Ledger } from '../ledger/pool.ts';
import { SaveBatches } from '../ledger/save-batches.ts';
import type { Logger } from '../log.ts';
import type { Held, Place } from './place.ts';

/** A namespace of its own: gates and jobs of a worker that uses the same database are not touched. */
const NAMESPACE = 'lockkeeper-testing';

/** The ledger in the user's test database, its schema brought up to date. */
export async function openTestLedger(database: string | pg.Pool, log: Logger): Promise<Ledger> {
  if (typeof database === 'string') {
    await migrateLedger(database, log);
    return openLedger({ databaseUrl: database, namespace: NAMESPACE, applicationName: 'lockkeeper-testing', log });
  }
  const client = await database.connect();
  await migrateOn(client, log).finally(() => client.release());
  return {
    pool: database,
    databaseUrl: database.options.connectionString ?? '',
    namespace: NAMESPACE,
    transactions: pLimit(1),
    saves: new SaveBatches(database),
    // It belongs to the test.
    close: () => Promise.resolve(),
  };
}

/** The place of a job in a real ledger: real claims, checkpoints and transactions. */
export class LedgerPlace implements Place {
  readonly #definition: AnyJob;
  readonly #ledger: Ledger;
  readonly #key = `test-${randomUUID()}`;

  constructor(definition: AnyJob, ledger: Ledger) {
    this.#definition = definition;
    this.#ledger = ledger;
  }

  async claim(stateVersion: number): Promise<Held | { readonly quarantined: string }> {
    const { name, taskQueue, atomicMs, lossesAllowed } = this.#definition;
    const claim = randomUUID();
    await ensureGate(this.#ledger, 'test', taskQueue);
    const claimed = await claimSlice(this.#ledger, {
      claim,
      key: this.#key,
      workflowId: this.#key,
      job: name,
      taskQueue,
      worker: randomUUID(),
      buildId: 'test',
      taskToken: Buffer.alloc(0),
      seq: 0,
      atomicMs,
      lossesAllowed,
    });
    if (claimed.verdict !== 'claimed') return { quarantined: claimed.reason ?? claimed.verdict };
    const connections = new Connections(this.#ledger.pool);
    const ledger = { ...this.#ledger, pool: connections.pool, transactions: pLimit(1) };
    const fence = { key: this.#key, claim, epoch: claimed.epoch };
    return {
      ledger,
      saver: new Saver(ledger, fence, claimed.seq, stateVersion),
      load: () => loadCheckpoint(ledger, this.#key),
      end: async (as) => {
        if (as === 'lost') await connections.kill();
        await endClaim(this.#ledger, claim, as, 'the test says so');
      },
    };
  }

  async forget(): Promise<void> {
    await this.#ledger.pool.query('delete from lockkeeper._jobs where key = $1', [this.#key]);
  }
}

/** The connections that one slice holds, so that they can end as they would with its process. */
class Connections {
  readonly pool: pg.Pool;
  readonly #held = new Set<pg.PoolClient>();

  constructor(pool: pg.Pool) {
    const connect = async () => {
      const client = await pool.connect();
      this.#held.add(client);
      const release = client.release.bind(client);
      client.release = (broken) => {
        this.#held.delete(client);
        release(broken);
      };
      return client;
    };
    this.pool = new Proxy(pool, {
      get: (target, property) => {
        if (property === 'connect') return connect;
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  /** What Postgres does when the process behind a connection has died; awaited, so that nothing of it is left. */
  async kill(): Promise<void> {
    for (const client of this.#held) {
      const ended = await client.query('rollback').then(
        () => true,
        (error: Error) => error,
      );
      client.release(ended);
    }
  }
}
