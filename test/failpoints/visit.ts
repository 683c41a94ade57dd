import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import proto from '@temporalio/proto';
import { expect } from 'vitest';
import type { Failpoint } from '../../src/failpoints.ts';
import { EFFECT_TABLE, count, stubborn } from '../app/count-job.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

export const ACTIONS = ['kill', 'stop', 'error'] as const;
export type Action = (typeof ACTIONS)[number];

/** The build of the sources before what it leaves out. */
const WITH_FAILPOINTS = 'dist-with-failpoints/cli/main.js';
const CONFIG = fileURLToPath(new URL('lockkeeper.yaml', import.meta.url));
/** Long after the frozen process goes on (20 s) and everything that waits for a silent one has given up. */
const WITHIN = 90_000;
const THAWED_AFTER = 21_000;
const ITEMS = 250;
const DEPLOYS = ['first', 'second'];

/**
 * Two jobs, two deploys, two workers and two deploy workers, of which one meets the fault once; whoever dies is started
 * again. Then the laws are checked from what is left.
 */
export async function visit(name: Failpoint, action: Action): Promise<void> {
  const place = await Place.open(name, action);
  await place.begin();
  if (name === 'watch.declared') await place.killWorker();
  for (const id of DEPLOYS) await place.request(id);
  await place.end();
  await expectLaws(place);
}

class Place {
  readonly scene: Scene;
  readonly #name: Failpoint;
  readonly #action: Action;
  readonly #folder: string;
  readonly #processes = new Processes();
  readonly #running = new Set<TestProcess>();
  #over = false;

  private constructor(scene: Scene, name: Failpoint, action: Action, folder: string) {
    this.scene = scene;
    this.#name = name;
    this.#action = action;
    this.#folder = folder;
  }

  static async open(name: Failpoint, action: Action): Promise<Place> {
    const scene = await openScene();
    await scene.ledger.pool.query(EFFECT_TABLE);
    const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-failpoint-'));
    atEnd(() => rm(folder, { recursive: true, force: true }));
    const place = new Place(scene, name, action, folder);
    await writeFile(place.#commandLog, '');
    atEnd(() => place.#stop());
    return place;
  }

  async begin(): Promise<void> {
    const all = ['worker', 'worker', 'deploy-worker', 'deploy-worker'].map((command) => this.#start(command));
    for (const one of all) await one.waitForLine(/worker ready/, { within: 60_000 });
    await this.scene.jobs.start(count, { to: ITEMS, everyMs: 8 }, { id: 'count' });
    await this.scene.jobs.start(stubborn, { rounds: 150, everyMs: 20 }, { id: 'stubborn' });
    await eventually(async () => expect((await this.numbers()).length).toBeGreaterThan(20), { within: WITHIN });
  }

  /** A worker that has a job, so that there is something to declare. */
  async killWorker(): Promise<void> {
    const { rows } = await this.scene.ledger.pool.query<{ pid: number }>(
      `select pid from lockkeeper.jobs where workflow_id = 'count'`,
    );
    process.kill(rows[0]!.pid, 'SIGKILL');
  }

  async request(id: string): Promise<void> {
    const request = { id, plan: 'default', requestedBy: 'test' };
    // A deploy worker that fell silent with the request in its hands: CI asks again.
    await eventually(() => this.scene.deploys.request(request), { within: WITHIN, every: 200 });
  }

  /** Everything has ended, and a process that was frozen has gone on since. */
  async end(): Promise<void> {
    await eventually(async () => expect((await this.outcomes()).every((found) => found !== null)).toBe(true), {
      within: WITHIN,
    });
    for (const id of ['count', 'stubborn']) await this.scene.temporal.client.workflow.result(id);
    expect(existsSync(this.#marker), `${this.#name} was visited`).toBe(true);
    if (this.#action === 'stop')
      await delay(Math.max(0, (await stat(this.#marker)).mtimeMs + THAWED_AFTER - Date.now()));
    await this.#stop();
  }

  async numbers(): Promise<number[]> {
    const { rows } = await this.scene.ledger.pool.query<{ n: number }>(
      `select n from effect where job = 'count' order by n, at`,
    );
    return rows.map(({ n }) => n);
  }

  async outcomes(): Promise<(string | null)[]> {
    const { rows } = await this.scene.ledger.pool.query<{ outcome: string | null }>(
      'select outcome from lockkeeper.deploys order by approval_order',
    );
    return rows.map(({ outcome }) => outcome);
  }

  get commandLines(): string[] {
    return readFileSync(this.#commandLog, 'utf8').split('\n').filter(Boolean);
  }

  get #commandLog(): string {
    return path.join(this.#folder, 'commands.log');
  }

  get #marker(): string {
    return path.join(this.#folder, 'visited');
  }

  #start(command: string): TestProcess {
    const env = {
      ...this.scene.temporal.env,
      DATABASE_URL: this.scene.ledger.databaseUrl,
      COMMAND_LOG: this.#commandLog,
      LOCKKEEPER_FAILPOINT: `${this.#name}:${this.#action}:${this.#marker}`,
    };
    const started = this.#processes.node(WITH_FAILPOINTS, [command, '--config', CONFIG], { env });
    this.#running.add(started);
    void started.exited.then(() => {
      this.#running.delete(started);
      if (!this.#over) this.#start(command);
    });
    return started;
  }

  async #stop(): Promise<void> {
    this.#over = true;
    for (const one of this.#running) one.kill('SIGTERM');
    for (const one of this.#running) await one.ended({ within: 40_000 });
  }
}

async function expectLaws(place: Place): Promise<void> {
  const { scene } = place;
  expect(await place.numbers()).toEqual(Array.from({ length: ITEMS }, (_, n) => n));
  await scene.expectOpen();
  const left = await scene.ledger.pool.query(
    `select workflow_id, state from lockkeeper.claims where state in ('running', 'fenced')`,
  );
  expect(left.rows).toEqual([]);
  await expectOrder(scene);
  const outcomes = await place.outcomes();
  expect(outcomes.length).toBe(DEPLOYS.length);
  for (const [i, id] of DEPLOYS.entries()) {
    const lines = place.commandLines.filter((line) => line.startsWith(`${id} `));
    // The step's command is not idempotent: it never begins twice, and what was not seen to end well is undone.
    const done = [`${id} begins`, `${id} ends`];
    if (outcomes[i] === 'succeeded') expect(lines).toEqual(done);
    else expect(lines.filter((line) => line === `${id} begins`).length).toBeLessThanOrEqual(1);
    if (outcomes[i] !== 'succeeded') expect(lines.at(-1)).toBe(`${id} is undone`);
  }
  await expectNoFailedWorkflowTask(scene);
}

/** Codes only grow, and the second deploy gets the lock when the first has ended. */
async function expectOrder(scene: Scene): Promise<void> {
  const { rows } = await scene.ledger.pool.query<{ deploy: string; event: string; detail: { code?: number } }>(
    `select deploy, event, detail from lockkeeper.events where event in ('lockGranted', 'code', 'finished') order by id`,
  );
  for (const id of DEPLOYS) {
    const codes = rows.filter((row) => row.deploy === id && row.event === 'code').map((row) => row.detail.code!);
    expect(codes).toEqual([...codes].sort((a, b) => a - b));
  }
  const firstEnded = rows.findIndex((row) => row.deploy === DEPLOYS[0] && row.event === 'finished');
  const secondBegan = rows.findIndex((row) => row.deploy === DEPLOYS[1]);
  expect(firstEnded).toBeGreaterThan(-1);
  expect(secondBegan).toBeGreaterThan(firstEnded);
}

async function expectNoFailedWorkflowTask({ temporal }: Scene): Promise<void> {
  const failed = proto.temporal.api.enums.v1.EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED;
  for await (const { workflowId, runId } of temporal.client.workflow.list()) {
    const { events } = await temporal.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const found = (events ?? []).filter((event) => event.eventType === failed);
    expect(
      found.map((event) => event.workflowTaskFailedEventAttributes?.failure?.message),
      workflowId,
    ).toEqual([]);
  }
}
