import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import {
  JobClient,
  connectTemporal,
  createLogger,
  ensureSearchAttributes,
  migrateLedger,
  openLedger,
  readKeyFile,
} from 'lockkeeper';
import type { Ledger, TemporalConnection } from 'lockkeeper';
import { startDev } from '../dist/dev/start.js';
import type { DevEnvironment } from '../dist/dev/start.js';
import { SEARCH_ATTRIBUTES } from '../dist/protocol.js';
import { ITEM_TABLE } from './items.ts';

/** An embedded Temporal and Postgres of their own, and the workers of the contestants. */
export class Place {
  readonly temporal: TemporalConnection;
  readonly ledger: Ledger;
  readonly jobs: JobClient;
  readonly #dev: DevEnvironment;
  readonly #workers = new Map<number, ChildProcess>();

  private constructor(dev: DevEnvironment, temporal: TemporalConnection, ledger: Ledger) {
    this.#dev = dev;
    this.temporal = temporal;
    this.ledger = ledger;
    this.jobs = new JobClient(temporal.client, ledger, readKeyFile(dev.keyFile!, 'the bench'));
  }

  static async open(dir: string, dynamicConfig: Readonly<Record<string, string>> = {}): Promise<Place> {
    const dev = await startDev({
      dir,
      env: {},
      dynamicConfig,
      searchAttributes: SEARCH_ATTRIBUTES,
      log: console.error,
    });
    const temporal = await connectTemporal({ TEMPORAL_ADDRESS: dev.temporalAddress });
    const log = createLogger({ name: 'bench' });
    await migrateLedger(dev.databaseUrl, log);
    await ensureSearchAttributes(temporal.connection, temporal.namespace);
    const { namespace } = temporal;
    const ledger = openLedger({ databaseUrl: dev.databaseUrl, namespace, applicationName: 'bench', log });
    await ledger.pool.query(ITEM_TABLE);
    return new Place(dev, temporal, ledger);
  }

  async startWorker(argv: readonly string[]): Promise<number> {
    const env = {
      ...process.env,
      TEMPORAL_ADDRESS: this.#dev.temporalAddress,
      DATABASE_URL: this.#dev.databaseUrl,
      LOCKKEEPER_KEYS: '',
      LOCKKEEPER_KEY_FILE: this.#dev.keyFile,
      LOG_LEVEL: 'info',
    };
    const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    for await (const line of createInterface({ input: child.stderr })) if (line.includes('worker ready')) break;
    child.stderr.resume();
    if (child.exitCode !== null || child.pid === undefined)
      throw new Error(`a worker did not start: ${argv.join(' ')}`);
    this.#workers.set(child.pid, child);
    return child.pid;
  }

  /** Returns when it has exited. */
  async kill(pid: number, signal: NodeJS.Signals): Promise<void> {
    const child = this.#workers.get(pid);
    if (!child) throw new Error(`process ${pid} is no worker of this bench`);
    this.#workers.delete(pid);
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async rows<T extends object>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.ledger.pool.query<T>(text, [...values])).rows;
  }

  /** Asks until there is a row. */
  async firstRow<T extends object>(text: string, values: readonly unknown[], withinMs: number): Promise<T> {
    for (const until = Date.now() + withinMs; ; await delay(5)) {
      const [row] = await this.rows<T>(text, values);
      if (row) return row;
      if (Date.now() >= until) throw new Error(`nothing within ${withinMs} ms: ${text}`);
    }
  }

  /** Executions of activities above the first attempt of each, failed and timed-out ones. */
  async attemptsOf(workflowId: string): Promise<number> {
    const { events } = await this.temporal.client.workflow.getHandle(workflowId).fetchHistory();
    let spent = 0;
    for (const event of events ?? []) spent += (event.activityTaskStartedEventAttributes?.attempt ?? 1) - 1;
    return spent;
  }

  async close(): Promise<void> {
    for (const pid of [...this.#workers.keys()]) await this.kill(pid, 'SIGKILL');
    await this.ledger.close();
    await this.temporal.connection.close();
    await this.#dev.stop();
  }
}
