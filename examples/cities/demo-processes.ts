import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const CLI = path.join(HERE, '../../dist/cli/main.js');
/** How long a process may take to be ready, milliseconds. */
const READY_WITHIN = 60_000;

/** One line of the demo's story. */
export function say(text: string): void {
  console.log(`▸ ${text}`);
}

/** The worker that was killed, when, and the jobs it was at work on, by their keys in the ledger. */
export interface Kill {
  readonly name: string;
  readonly at: Date;
  readonly jobs: readonly string[];
}

/** The processes of the demo: a deploy worker, workers, and the deploy itself, all by the command line. */
export class Demo {
  readonly #env: NodeJS.ProcessEnv;
  readonly #config: string;
  readonly #workers: string;
  #deployWorker: ChildProcess | undefined;

  constructor(env: NodeJS.ProcessEnv, config: string) {
    this.#env = env;
    this.#config = config;
    this.#workers = path.join(env['CITIES_STATE']!, 'workers');
  }

  async startDeployWorker(): Promise<void> {
    const log = path.join(this.#env['CITIES_STATE']!, 'deploy-worker.log');
    const out = openSync(log, 'a');
    this.#deployWorker = spawn(process.execPath, [CLI, 'deploy-worker', '--config', this.#config], {
      env: this.#env,
      stdio: ['ignore', out, out],
    });
    const deadline = Date.now() + READY_WITHIN;
    while (!readFileSync(log, 'utf8').includes('deploy worker ready')) {
      if (Date.now() > deadline || this.#deployWorker.exitCode !== null)
        throw new Error(`the deploy worker is not ready; see ${log}`);
      await delay(50);
    }
  }

  async replaceWorkers(version: string): Promise<void> {
    const code = await this.#run([path.join(HERE, 'replace-workers.ts'), version, '2']);
    if (code !== 0) throw new Error(`the workers could not be started, exit code ${code}`);
  }

  /** Resolves with the exit code of `lockkeeper deploy run`. */
  deploy(id: string): Promise<number | null> {
    return this.#run([
      CLI,
      'deploy',
      'run',
      '--config',
      this.#config,
      '--id',
      id,
      '--plan',
      'release',
      '--version',
      'v2',
      '--',
      process.execPath,
      path.join(HERE, 'replace-workers.ts'),
      'v2',
      '2',
    ]);
  }

  /** SIGKILL to the worker that runs the most slices. */
  async killOneWorker(db: pg.Pool): Promise<Kill> {
    const { rows } = await db.query<{ pid: number; jobs: string[] }>(
      `select w.pid, array_agg(c.key) as jobs from lockkeeper.claims c join lockkeeper.workers w on w.id = c.worker
       where c.state = 'running' and c.task_queue = 'imports' group by w.pid order by count(*) desc limit 1`,
    );
    const victim = rows[0];
    if (!victim) throw new Error('no worker has a slice to be killed in');
    const name = this.#pidFiles().find((file) => file.pid === victim.pid)?.name ?? String(victim.pid);
    process.kill(victim.pid, 'SIGKILL');
    return { name, at: new Date(), jobs: victim.jobs };
  }

  async stop(): Promise<void> {
    for (const { pid } of this.#pidFiles()) await end(pid);
    if (this.#deployWorker && this.#deployWorker.exitCode === null) {
      this.#deployWorker.kill('SIGTERM');
      await once(this.#deployWorker, 'exit');
    }
  }

  #pidFiles(): { name: string; pid: number }[] {
    try {
      const files = readdirSync(this.#workers).filter((file) => file.endsWith('.pid'));
      return files.map((file) => ({
        name: path.basename(file, '.pid'),
        pid: Number(readFileSync(path.join(this.#workers, file), 'utf8')),
      }));
    } catch (error) {
      // Nothing was started yet.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  async #run(argv: readonly string[]): Promise<number | null> {
    const child = spawn(process.execPath, argv, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => process.stdout.write(indent(chunk)));
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }
}

const indent = (chunk: Buffer) => chunk.toString().replace(/^(?=.)/gm, '    ');

/** SIGTERM, and SIGKILL when that is not enough. */
async function end(pid: number): Promise<void> {
  const deadline = Date.now() + READY_WITHIN;
  let signal: NodeJS.Signals | 0 = 'SIGTERM';
  for (;;) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw error;
    }
    signal = Date.now() > deadline ? 'SIGKILL' : 0;
    await delay(50);
  }
}
