import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import proto from '@temporalio/proto';
import { expect } from 'vitest';
import { readLimit } from '../../src/client/queue-limit.ts';
import { DeployClient } from '../../src/client/deploy-client.ts';
import { GraphClient } from '../../src/client/graph-client.ts';
import { JobClient } from '../../src/client/job-client.ts';
import { runDeploy } from '../../src/client/run-deploy.ts';
import type { DeployEnd, DeployEvent, RunDeployOptions } from '../../src/client/run-deploy.ts';
import { keyringOf } from '../../src/crypto/encryption.ts';
import type { Encryption } from '../../src/crypto/encryption.ts';
import type { AnyJob } from '../../src/jobs/index.ts';
import { migrateLedger } from '../../src/ledger/migrate.ts';
import { readSteps } from '../../src/ledger/deploy-steps.ts';
import { readGates } from '../../src/ledger/gates.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import type { FreezeWindow } from '../../src/order/freeze-windows.ts';
import type { Receiver } from '../../src/notices/receiver.ts';
import { ENCRYPTED } from '../../src/protocol/payloads.ts';
import type { DeployRequest, DeployStatus, PlanStep, ResolvedPlan } from '../../src/protocol.ts';
import { createDeployWorker } from '../../src/workers/deploy-worker.ts';
import { createWorker } from '../../src/workers/worker.ts';
import { atEnd } from './at-end.ts';
import { freshLedger } from './fresh-ledger.ts';
import { freshNamespace } from './fresh-namespace.ts';
import type { FreshNamespace } from './fresh-namespace.ts';
import { quietLog } from './quiet-log.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
export const ENVIRONMENT = 'test';
export const QUEUE = 'numbers';

const PLAN: ResolvedPlan = {
  name: 'default',
  queues: [{ taskQueue: QUEUE, after: [] }],
  participants: [],
  drain: { deadlineMs: 20_000, onTimeout: 'abandon', waitMs: 0 },
  steps: [],
  onFailure: 'rollback',
  holdMs: 20_000,
};

/** A step that runs a line of shell. */
export const command = (
  name: string,
  script: string,
  more: Partial<Extract<PlanStep, { type: 'command' }>> = {},
): PlanStep => ({
  type: 'command',
  name,
  timeoutMs: 20_000,
  command: { argv: ['bash', '-c', script] },
  idempotent: false,
  ...more,
});
export const undo = (script: string) => ({ rollback: { argv: ['bash', '-c', script] as const } });
export const external = (more: Partial<Extract<PlanStep, { type: 'external' }>> = {}): PlanStep => ({
  type: 'external',
  name: 'ci',
  timeoutMs: 30_000,
  leaseMs: 3_000,
  claimWithinMs: 10_000,
  ...more,
});

/** An environment of its own: namespace, ledger, a deploy worker, and workers as wanted; all real, in this process. */
export class Scene {
  readonly temporal: FreshNamespace;
  readonly ledger: Ledger;
  /** That of the environment unless given. */
  readonly encryption: Encryption | undefined;
  readonly jobs: JobClient;
  readonly graphs: GraphClient;
  readonly deploys: DeployClient;
  readonly output: string[] = [];
  /** What the next deploys do. */
  plan: ResolvedPlan = PLAN;
  /** As the deploy worker's config has them. */
  readonly freezeWindows: FreezeWindow[] = [];

  constructor(temporal: FreshNamespace, ledger: Ledger, encryption?: Encryption) {
    this.temporal = temporal;
    this.ledger = ledger;
    this.encryption = encryption;
    this.jobs = new JobClient(temporal.client, ledger, encryption);
    this.graphs = new GraphClient(temporal.client, ledger, encryption);
    this.deploys = new DeployClient(temporal.client, ENVIRONMENT);
  }

  planOf(steps: readonly PlanStep[], more: Partial<ResolvedPlan> = {}): void {
    this.plan = { ...PLAN, steps, ...more };
  }

  async startWorker(
    jobs: readonly AnyJob[],
    buildId = 'v1',
    encryption = this.encryption,
  ): Promise<{ stop: (reason?: string) => Promise<void>; id: string }> {
    const worker = await createWorker({
      environment: ENVIRONMENT,
      temporal: this.temporal,
      ledger: this.ledger,
      encryption,
      jobs,
      buildId,
      log: quietLog,
    });
    const ran = worker.run();
    const stop = async (reason = 'the test ended') => {
      worker.shutdown(reason);
      await ran;
    };
    atEnd(stop);
    return { stop, id: worker.id };
  }

  async startDeployWorker(receivers: readonly Receiver[] = []): Promise<{ stop: () => Promise<void> }> {
    const worker = await createDeployWorker({
      environment: ENVIRONMENT,
      temporal: this.temporal,
      ledger: this.ledger,
      taskQueues: [QUEUE],
      freezeWindows: this.freezeWindows,
      buildId: 'd1',
      receivers,
      keyring: keyringOf(this.encryption),
      log: quietLog,
      resolvePlan: () => this.plan,
      databaseUrl: () => this.ledger.databaseUrl,
      output: ({ text }) => this.output.push(text),
    });
    const ran = worker.run();
    const stop = async () => {
      worker.shutdown('the test ended');
      await ran;
    };
    atEnd(stop);
    return { stop };
  }

  /** A whole deploy as CI would run it; `on` is called at each change of its phase. */
  async deploy(id: string, options: DeployOptions = {}): Promise<DeployEnd> {
    let phase = '';
    const { on, command: argv, request, signal } = options;
    return runDeploy({
      deploys: this.deploys,
      request: {
        id,
        plan: 'default',
        requestedBy: 'test',
        ...(this.plan.steps.some((step) => step.type === 'external') && { external: { mode: 'lease' } as const }),
        ...request,
      },
      ...(argv && {
        command: {
          argv,
          stdout: (c: Buffer) => void this.output.push(c.toString()),
          stderr: (c: Buffer) => void this.output.push(c.toString()),
        },
      }),
      timeoutMs: 90_000,
      signal: signal ?? new AbortController().signal,
      onEvent: (event) => {
        options.onEvent?.(event);
        if (event.kind === 'status' && event.status.unclaimed && !argv && options.claims !== false) this.#claim(id);
        if (event.kind !== 'status' || event.status.phase === phase) return;
        phase = event.status.phase;
        on?.(event.status);
      },
    } satisfies RunDeployOptions);
  }

  /** The sign of life of a wrapper, for tests that play one. */
  #claim(deploy: string): void {
    void this.deploys
      .claimTurn({ deploy, nonce: 'of-the-test' })
      .catch((error: Error) => this.output.push(error.message));
  }

  async steps(deploy: string): Promise<string[]> {
    const steps = await readSteps(this.ledger, ENVIRONMENT, deploy);
    return steps.map((step) => `${step.name} ${step.state}`);
  }

  /** Law 4: nothing is left closed, on either side. */
  async expectOpen(): Promise<void> {
    const gates = await readGates(this.ledger, ENVIRONMENT);
    expect(gates.map((gate) => [gate.taskQueue, gate.state, gate.owner])).toEqual([[QUEUE, 'open', undefined]]);
    expect((await readLimit(this.temporal.client, QUEUE))?.rate).toBeUndefined();
  }

  /** Attempts above the first, and activities that failed or timed out, in a workflow's history. */
  async costOf(workflowId: string): Promise<{ attempts: number; failures: number }> {
    const { events } = await this.temporal.client.workflow.getHandle(workflowId).fetchHistory();
    let attempts = 0;
    let failures = 0;
    for (const event of events ?? []) {
      attempts += (event.activityTaskStartedEventAttributes?.attempt ?? 1) - 1;
      if (event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes) failures += 1;
    }
    return { attempts, failures };
  }

  /** Back to its first workflow task, as `temporal workflow reset --type FirstWorkflowTask` does. */
  async reset(workflowId: string): Promise<void> {
    const { client, namespace } = this.temporal;
    const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
    const completed = proto.temporal.api.enums.v1.EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED;
    await client.workflowService.resetWorkflowExecution({
      namespace,
      workflowExecution: { workflowId },
      workflowTaskFinishEventId: events!.find((event) => event.eventType === completed)!.eventId!,
      requestId: `${workflowId} ${Date.now()}`,
      reason: 'by the test',
    });
  }

  /** With RECORD_HISTORIES set, keeps a history for the replay tests. */
  async record(name: string, workflowId: string, runId?: string): Promise<void> {
    if (!process.env['RECORD_HISTORIES']) return;
    const folder = fileURLToPath(new URL('../histories', import.meta.url));
    mkdirSync(folder, { recursive: true });
    const history = await this.temporal.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const plain = proto.temporal.api.history.v1.History.fromObject(history).toJSON();
    // Stack traces name this machine's folders.
    const text = JSON.stringify({ workflowId, history: plain }).replaceAll(PROJECT, '');
    // A replay has no keys.
    if (text.includes(Buffer.from(ENCRYPTED).toString('base64')))
      throw new Error(`${name} would be encrypted: record it in a scene that is opened with 'plaintext'`);
    writeFileSync(path.join(folder, `${name}.json`), `${text}\n`);
  }
}

export interface DeployOptions {
  readonly command?: readonly [string, ...string[]];
  readonly request?: Partial<DeployRequest>;
  /** Whether somebody is there who could do its external step, when there is no command; true unless said otherwise. */
  readonly claims?: boolean;
  readonly on?: (status: DeployStatus) => void;
  readonly onEvent?: (event: DeployEvent) => void;
  readonly signal?: AbortSignal;
}

/** Histories are replayed by whoever has no keys. */
const RECORDED = process.env['RECORD_HISTORIES'] ? 'plaintext' : undefined;

export async function openScene(encryption?: Encryption): Promise<Scene> {
  const temporal = await freshNamespace(encryption ?? RECORDED);
  const ledger = await freshLedger({ namespace: temporal.namespace });
  await migrateLedger(ledger.databaseUrl, quietLog);
  return new Scene(temporal, ledger, encryption ?? RECORDED);
}
