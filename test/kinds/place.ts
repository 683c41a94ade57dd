import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { AnyJob, InputOf } from '../../src/jobs/define-job.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { TABLES } from './app/jobs.ts';

const config = (name: string) => fileURLToPath(new URL(`app/${name}.yaml`, import.meta.url));
const WITHIN = 40_000;

/** Real workers and a real deploy worker of jobs of every kind, for one file of tests. */
export class Place {
  readonly scene: Scene;
  readonly #processes = new Processes();
  readonly #workers = new Set<TestProcess>();

  private constructor(scene: Scene) {
    this.scene = scene;
  }

  /** At the top of a file. */
  static async open(): Promise<Place> {
    const scene = await openScene();
    await scene.ledger.pool.query(TABLES);
    const place = new Place(scene);
    const deployWorker = await place.#serve('deploy-worker');
    atEnd(async () => {
      // Whatever still waits for a word gets it, so that workers can stop.
      await scene.ledger.pool.query('insert into told select distinct job from mark');
      await place.stopWorkers();
      deployWorker.kill('SIGTERM');
      await deployWorker.ended();
    });
    return place;
  }

  /** As many workers as a test needs, those that are there included. */
  async workers(count: number, options: { readonly build?: string; readonly config?: string } = {}): Promise<void> {
    const starting: Promise<TestProcess>[] = [];
    for (let n = this.#workers.size; n < count; n += 1) starting.push(this.startWorker(options));
    await Promise.all(starting);
  }

  async startWorker({ build = 'v1', config: name = 'lockkeeper' } = {}): Promise<TestProcess> {
    const worker = await this.#serve('worker', name, { BUILD: build });
    this.#workers.add(worker);
    void worker.exited.then(() => this.#workers.delete(worker));
    return worker;
  }

  /** Those that run now, each to a planned end. */
  async stopWorkers(workers: readonly TestProcess[] = [...this.#workers]): Promise<void> {
    for (const one of workers) one.kill('SIGTERM');
    for (const one of workers) await one.ended();
  }

  get running(): readonly TestProcess[] {
    return [...this.#workers];
  }

  async #serve(
    command: 'worker' | 'deploy-worker',
    name = 'lockkeeper',
    more: NodeJS.ProcessEnv = {},
  ): Promise<TestProcess> {
    const env = { ...this.#env, ...more };
    const started = this.#processes.node('dist/cli/main.js', [command, '--config', config(name)], { env });
    await started.waitForLine(/worker ready/, { within: WITHIN });
    return started;
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...this.scene.temporal.env, DATABASE_URL: this.scene.ledger.databaseUrl };
  }

  /** A command to its end; what it printed. */
  async lockkeeper(...args: string[]): Promise<string> {
    const command = this.#processes.node('dist/cli/main.js', args, { env: this.#env });
    expect({ ...(await command.ended()), stderr: command.stderr }).toMatchObject({ code: 0 });
    return command.stdout;
  }

  start<D extends AnyJob>(job: D, id: string, input: InputOf<D>): Promise<unknown> {
    return this.scene.jobs.start(job, input, { id });
  }

  /** What the job did in the world, in order. */
  async marks(job: string): Promise<string[]> {
    const { rows } = await this.scene.ledger.pool.query<{ what: string }>(
      'select what from mark where job = $1 order by n',
      [job],
    );
    return rows.map((row) => row.what);
  }

  async reached(job: string, what: string, times = 1): Promise<void> {
    await eventually(
      async () => expect((await this.marks(job)).filter((one) => one === what).length).toBeGreaterThanOrEqual(times),
      { within: WITHIN },
    );
  }

  /** Lets a job that holds, and every later slice of it, go on. */
  async tell(job: string): Promise<void> {
    await this.scene.ledger.pool.query('insert into told values ($1)', [job]);
  }

  /** The worker that has the job. */
  async holder(job: string): Promise<TestProcess> {
    const { rows } = await this.scene.ledger.pool.query<{ pid: number }>(
      'select pid from lockkeeper.jobs where workflow_id = $1',
      [job],
    );
    const found = this.running.find((one) => one.pid === rows[0]?.pid);
    if (!found) throw new Error(`no worker has ${job}`);
    return found;
  }

  result(job: string): Promise<unknown> {
    return this.scene.jobs.handle(job).result();
  }

  async quarantined(job: string): Promise<string> {
    return eventually(
      async () => {
        const status = await this.scene.jobs.handle(job).status();
        expect(status.phase).toBe('quarantined');
        return status.reason ?? '';
      },
      { within: WITHIN },
    );
  }

  /** Asks for a deploy, and returns when its gates are closed. */
  async begin(id: string, plan = 'default'): Promise<void> {
    await this.scene.deploys.request({ id, plan, requestedBy: 'test' });
    await this.reaches(id, 400);
  }

  /** Returns when the deploy has come to this code. */
  async reaches(id: string, code: number): Promise<void> {
    await eventually(async () => expect((await this.#row(id)).code).toBeGreaterThanOrEqual(code), { within: WITHIN });
  }

  /** Returns when the deploy says that its drain is late. */
  async late(id: string): Promise<string> {
    return eventually(
      async () => {
        const found = await this.scene.deploys.find(id);
        const phase = found.at === 'running' ? found.status.phase : found.at;
        expect(phase).toMatch(/^draining, late/);
        return phase;
      },
      { within: WITHIN },
    );
  }

  /** Ends the `wait` step, which stands for the work of a deploy. */
  async finish(id: string): Promise<void> {
    await this.reaches(id, 500);
    await eventually(() => this.scene.deploys.operate({ deploy: id, action: 'skipStep', reason: 'done', by: 'test' }));
    expect(await this.end(id)).toMatchObject({ outcome: 'succeeded' });
  }

  async end(id: string): Promise<{ outcome: string; reason: string | null }> {
    return eventually(
      async () => {
        const { outcome, reason } = await this.#row(id);
        if (outcome === null) throw new Error(`deploy ${id} has not ended`);
        return { outcome, reason };
      },
      { within: 60_000 },
    );
  }

  async #row(id: string): Promise<{ code: number; outcome: string | null; reason: string | null }> {
    const { rows } = await this.scene.ledger.pool.query<{
      code: number;
      outcome: string | null;
      reason: string | null;
    }>('select code, outcome, outcome_reason as reason from lockkeeper.deploys where id = $1', [id]);
    if (!rows[0]) throw new Error(`there is no deploy ${id}`);
    return rows[0];
  }
}

/** `item 0` to the one before `to`. */
export const items = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, n) => `item ${from + n}`);
