import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, createLogger, ensureSearchAttributes, migrateLedger } from 'lockkeeper';
import type { Lockkeeper } from 'lockkeeper';
import type pg from 'pg';
import { startDev } from '../../dist/dev/start.js';
import type { DevEnvironment } from '../../dist/dev/start.js';
import { SEARCH_ATTRIBUTES } from '../../dist/protocol.js';
import { endScript, startScript } from './child-processes.ts';
import { say } from './story.ts';
import { until } from './waiting.ts';
import { CLI, WorkerProcesses } from './worker-processes.ts';

const REPLACE_WORKERS = fileURLToPath(new URL('replace-workers.ts', import.meta.url));
/** Workers of an example: one that is killed leaves another. */
const WORKERS = 2;

export interface OneMachineOptions {
  /** State is kept in the directory of this name in `.lockkeeper`, and deleted at the beginning. */
  readonly name: string;
  /** Path of the example's `lockkeeper.yaml`. */
  readonly config: string;
  /** SQL that makes the tables of the example, in the ledger's database. */
  readonly schema?: string;
}

/** A worker that got a signal, when, and the jobs it was at work on, by their keys in the ledger. */
export interface Struck {
  readonly name: string;
  readonly at: Date;
  readonly jobs: readonly string[];
}

/** What an example runs on: servers, a deploy worker, workers and deploys, these by the command line as anybody runs them. */
export class OneMachine {
  readonly lockkeeper: Lockkeeper;
  /** Holds the ledger, and the tables of the example. */
  readonly db: pg.Pool;
  readonly state: string;
  /** Of every process that is started from now on. */
  readonly env: NodeJS.ProcessEnv;
  readonly #dev: DevEnvironment;
  readonly #options: OneMachineOptions;
  readonly #workers: WorkerProcesses;
  #deployWorker: ChildProcess | undefined;
  /** The command that runs at the moment. */
  #command: ChildProcess | undefined;
  /** Their slices are shown as running for a moment longer. */
  readonly #struck: number[] = [];
  #stopped: Promise<void> | undefined;

  private constructor(options: OneMachineOptions, state: string, dev: DevEnvironment, lockkeeper: Lockkeeper) {
    this.#options = options;
    this.state = state;
    this.#dev = dev;
    this.lockkeeper = lockkeeper;
    this.db = lockkeeper.ledger.pool;
    this.env = { ...envOf(dev), EXAMPLE_STATE: state, EXAMPLE_CONFIG: options.config };
    this.#workers = new WorkerProcesses(this.env);
  }

  static async start(options: OneMachineOptions): Promise<OneMachine> {
    const state = path.resolve('.lockkeeper', options.name);
    rmSync(state, { recursive: true, force: true });
    say('Starting an embedded Temporal server and Postgres');
    const dev = await startDev({ dir: state, searchAttributes: SEARCH_ATTRIBUTES, log: () => undefined });
    let machine: OneMachine | undefined;
    try {
      machine = new OneMachine(options, state, dev, await prepare(dev));
      if (options.schema !== undefined) await machine.db.query(options.schema);
      await machine.#startDeployWorker();
    } catch (error) {
      await (machine ?? dev).stop();
      throw error;
    }
    if (dev.uiUrl) say(`Watch: ${dev.uiUrl}`);
    return machine;
  }

  /** Stops the workers there are, and starts those of a version. */
  async replaceWorkers(version: string): Promise<void> {
    const code = await this.#run([REPLACE_WORKERS, version, String(WORKERS)], indented);
    if (code !== 0) throw new Error(`the workers could not be started, exit code ${code}`);
  }

  startWorker(version: string): Promise<string> {
    return this.#workers.start(version);
  }

  /** `lockkeeper deploy run`, around a command that replaces the workers by those of another version. */
  async deploy(id: string, version: string, options: { plan?: string; quiet?: boolean } = {}): Promise<void> {
    const { plan = 'default', quiet = false } = options;
    const told: Buffer[] = [];
    const argv = ['deploy', 'run', '--config', this.#options.config, '--id', id, '--plan', plan, '--version', version];
    const command = [process.execPath, REPLACE_WORKERS, version, String(WORKERS)];
    const code = await this.#run([CLI, ...argv, '--', ...command], quiet ? (chunk) => told.push(chunk) : indented);
    if (code === 0) return;
    told.forEach(indented);
    throw new Error(`lockkeeper deploy run exited with ${code}`);
  }

  /** A signal to the worker that runs the most slices, once there is one. It resolves when the signal is sent. */
  strike(signal: 'SIGTERM' | 'SIGKILL'): Promise<Struck> {
    return until(async () => {
      const { rows } = await this.db.query<{ pid: number; jobs: string[] }>(
        `select w.pid, array_agg(c.key) as jobs from lockkeeper.claims c join lockkeeper.workers w on w.id = c.worker
         where c.state = 'running' and w.pid <> all ($1) group by w.pid order by count(*) desc limit 1`,
        [this.#struck],
      );
      const [busiest] = rows;
      const worker = this.#workers.all().find(({ pid }) => pid === busiest?.pid);
      if (!busiest || !worker) return undefined;
      process.kill(worker.pid, signal);
      this.#struck.push(worker.pid);
      return { name: worker.name, at: new Date(), jobs: busiest.jobs };
    }, `no worker has a slice in which a ${signal} would find it`);
  }

  /** Prints links to the workflows, and what to type; resolves at a Ctrl-C, which ends the machine. */
  async lookAround(workflowIds: readonly string[]): Promise<void> {
    const { uiUrl, temporalAddress, databaseUrl, namespace, keyFile } = this.#dev;
    const links = uiUrl
      ? workflowIds.map((id) => `  ${uiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(id)}`)
      : [];
    const here = path.relative('.', this.#options.config);
    const keys = keyFile === undefined ? '' : ` LOCKKEEPER_KEY_FILE='${keyFile}'`;
    const variables = `TEMPORAL_ADDRESS=${temporalAddress} DATABASE_URL='${databaseUrl}'${keys}`;
    const inAnotherTerminal = [`  export ${variables}`, `  node dist/cli/main.js board --config ${here}`];
    console.log(
      ['', 'Still running, until Ctrl-C:', ...links, '', 'In another terminal:', ...inAnotherTerminal].join('\n'),
    );
    await new Promise(() => setInterval(() => undefined, 1 << 30));
  }

  /** Calling it again waits for the same end. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    try {
      await endScript(this.#command);
      for (const worker of this.#workers.all()) await this.#workers.stop(worker);
      await endScript(this.#deployWorker);
      await this.lockkeeper.close();
    } finally {
      await this.#dev.stop();
    }
  }

  async #startDeployWorker(): Promise<void> {
    this.#deployWorker = await startScript([CLI, 'deploy-worker', '--config', this.#options.config], {
      env: this.env,
      log: path.join(this.state, 'deploy-worker.log'),
      ready: 'deploy worker ready',
    });
  }

  async #run(argv: readonly string[], hear: (chunk: Buffer) => void): Promise<number | null> {
    const child = spawn(process.execPath, argv, { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#command = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', hear);
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }
}

/** As `lockkeeper dev` prepares them. */
async function prepare(dev: DevEnvironment): Promise<Lockkeeper> {
  await migrateLedger(dev.databaseUrl, createLogger());
  const lockkeeper = await connect({ env: envOf(dev) });
  await ensureSearchAttributes(lockkeeper.temporal.connection, dev.namespace);
  return lockkeeper;
}

const envOf = ({ temporalAddress, namespace, databaseUrl, keyFile }: DevEnvironment): NodeJS.ProcessEnv => ({
  ...process.env,
  TEMPORAL_ADDRESS: temporalAddress,
  TEMPORAL_NAMESPACE: namespace,
  DATABASE_URL: databaseUrl,
  ...(keyFile !== undefined && { LOCKKEEPER_KEY_FILE: keyFile }),
});

const indented = (chunk: Buffer) => process.stdout.write(chunk.toString().replace(/^(?=.)/gm, '    '));
