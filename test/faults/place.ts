import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { EFFECT_TABLE } from '../app/count-job.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import type { Scene } from '../support/scene.ts';

/** The build of the sources before what it leaves out for the package. */
const MAIN = 'dist-with-failpoints/cli/main.js';
export const CONFIG = fileURLToPath(new URL('lockkeeper.yaml', import.meta.url));
/** Long after everything that waits for a silent process has given up. */
export const WITHIN = 90_000;

export type Command = 'worker' | 'deploy-worker';

/** Workers and deploy workers as a platform keeps them: whoever dies is started again. */
export class Place {
  readonly scene: Scene;
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #processes = new Processes();
  readonly #running = new Map<TestProcess, Command>();
  #over = false;

  private constructor(scene: Scene, folder: string, env: NodeJS.ProcessEnv) {
    this.scene = scene;
    this.folder = folder;
    this.#env = env;
  }

  /** `env`: for all processes. Everything is stopped at the end of the test. */
  static async open(scene: Scene, env: NodeJS.ProcessEnv = {}): Promise<Place> {
    await scene.ledger.pool.query(EFFECT_TABLE);
    const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-faults-'));
    atEnd(() => rm(folder, { recursive: true, force: true }));
    const place = new Place(scene, folder, {
      ...scene.temporal.env,
      DATABASE_URL: scene.ledger.databaseUrl,
      COMMAND_LOG: path.join(folder, 'commands.log'),
      ...env,
    });
    await writeFile(path.join(folder, 'commands.log'), '');
    atEnd(() => place.stop());
    return place;
  }

  /** Starts processes, and returns when they are ready. */
  async start(...commands: Command[]): Promise<TestProcess[]> {
    const all = commands.map((command) => this.#start(command));
    for (const one of all) await one.waitForLine(/worker ready/, { within: 60_000 });
    return all;
  }

  /** A process beside them that is not started again. */
  run(...args: string[]): TestProcess {
    return this.#processes.node(MAIN, args, { env: this.#env });
  }

  /** Those that run now. */
  processes(command: Command): TestProcess[] {
    return [...this.#running].filter(([, what]) => what === command).map(([one]) => one);
  }

  kill(command: Command, signal: NodeJS.Signals = 'SIGKILL'): void {
    for (const one of this.processes(command)) one.kill(signal);
  }

  async stop(): Promise<void> {
    this.#over = true;
    for (const one of this.#running.keys()) one.kill('SIGTERM');
    for (const one of this.#running.keys()) await one.ended({ within: 40_000 });
  }

  /** Asks for a deploy until it is accepted, as CI does. */
  async request(id: string, plan = 'default'): Promise<void> {
    await eventually(() => this.scene.deploys.request({ id, plan, requestedBy: 'test' }), {
      within: WITHIN,
      every: 200,
    });
  }

  async rows<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    return (await this.scene.ledger.pool.query<T>(text, values)).rows;
  }

  async numbers(job: string): Promise<number[]> {
    return (await this.rows<{ n: number }>('select n from effect where job = $1 and n >= 0 order by n, at', [job])).map(
      ({ n }) => n,
    );
  }

  /** Resolves when the job has written some more. */
  async goesOn(job: string): Promise<void> {
    const before = await eventually(() => this.numbers(job), { within: WITHIN });
    await eventually(async () => expect((await this.numbers(job)).length).toBeGreaterThan(before.length + 5), {
      within: WITHIN,
    });
  }

  async outcome(deploy: string): Promise<string> {
    return eventually(
      async () => {
        const [row] = await this.rows<{ outcome: string | null }>(
          'select outcome from lockkeeper.deploys where id = $1',
          [deploy],
        );
        if (!row?.outcome) throw new Error(`deploy ${deploy} has no outcome yet`);
        return row.outcome;
      },
      { within: WITHIN },
    );
  }

  get commandLines(): string[] {
    const log = path.join(this.folder, 'commands.log');
    return existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : [];
  }

  #start(command: Command): TestProcess {
    const started = this.run(command, '--config', CONFIG);
    this.#running.set(started, command);
    void started.exited.then(() => {
      this.#running.delete(started);
      if (!this.#over) this.#start(command);
    });
    return started;
  }
}
