import { dirname, resolve } from 'node:path';
import {
  APPROVAL_EXPIRES_AFTER,
  DRAIN_DEADLINE,
  DRAIN_WAIT,
  HOLD,
  SHUTDOWN_FORCE,
  SHUTDOWN_GRACE,
} from '../defaults.ts';
import type { ApprovalPolicy, DrainPolicy } from '../protocol.ts';
import { buildCodecServer } from './build-codec-server.ts';
import { buildStep, EXTERNAL_STEP } from './build-step.ts';
import { buildReceiver } from './build-receiver.ts';
import { DEFAULT_PLAN, LEDGER_DATABASE } from './config.ts';
import type { Config, EncryptionOptions, ParameterSpec, PlanConfig, WorkerOptions } from './config.ts';
import type { ParsedConfig, ParsedPlan } from './schema/config.ts';

/** Abandoned slices lose nothing that was saved, and nobody has to be awake for it. */
const DRAIN: DrainPolicy = { deadlineMs: DRAIN_DEADLINE, onTimeout: 'abandon', waitMs: DRAIN_WAIT };

/** Fills in every default and makes every path absolute. */
export function buildConfig(file: string, parsed: ParsedConfig): Config {
  const directory = dirname(file);
  const drain = buildDrain(parsed.drain, DRAIN);
  const plans = Object.entries(parsed.plans ?? {}).map(
    ([name, plan]) => [name, buildPlan(plan, drain, directory)] as const,
  );
  return {
    file,
    directory,
    environment: parsed.environment,
    jobs: (parsed.jobs ?? []).map((path) => resolve(directory, path)),
    ...(parsed.workflows !== undefined && { workflows: resolve(directory, parsed.workflows) }),
    worker: buildWorker(parsed.worker),
    encryption: buildEncryption(parsed.encryption, directory),
    drain,
    ...(parsed.queues && {
      queues: Object.entries(parsed.queues).map(([taskQueue, options]) => ({ taskQueue, after: options?.after ?? [] })),
    }),
    participants: parsed.participants ?? [],
    freezeWindows: (parsed.freezeWindows ?? []).map(({ for: forMs, ...window }) => ({ ...window, forMs })),
    databases: new Map([
      [LEDGER_DATABASE.name, { env: LEDGER_DATABASE.env }],
      ...Object.entries(parsed.databases ?? {}),
    ]),
    notices: (parsed.notices ?? []).map(buildReceiver),
    codecServer: buildCodecServer(parsed.codecServer, directory),
    plans: new Map([[DEFAULT_PLAN, defaultPlan(drain)], ...plans]),
  };
}

function buildWorker(worker: ParsedConfig['worker']): WorkerOptions {
  return {
    ...(worker?.buildId !== undefined && { buildId: worker.buildId }),
    ...(worker?.maxConcurrentSlices !== undefined && { maxConcurrentSlices: worker.maxConcurrentSlices }),
    shutdownGraceMs: worker?.shutdownGrace ?? SHUTDOWN_GRACE,
    shutdownForceMs: worker?.shutdownForce ?? SHUTDOWN_FORCE,
  };
}

function buildEncryption(encryption: ParsedConfig['encryption'], directory: string): EncryptionOptions {
  const { keyFile, acceptPlaintext, mode } = encryption ?? {};
  return {
    ...(keyFile !== undefined && { keyFile: resolve(directory, keyFile) }),
    ...(acceptPlaintext !== undefined && { acceptPlaintext }),
    ...(mode !== undefined && { mode }),
  };
}

function buildDrain(drain: ParsedConfig['drain'], otherwise: DrainPolicy): DrainPolicy {
  return {
    deadlineMs: drain?.deadline ?? otherwise.deadlineMs,
    onTimeout: drain?.onTimeout ?? otherwise.onTimeout,
    waitMs: drain?.wait ?? otherwise.waitMs,
  };
}

function defaultPlan(drain: DrainPolicy): PlanConfig {
  return { parameters: new Map(), drain, steps: [EXTERNAL_STEP], onFailure: 'rollback', holdMs: HOLD };
}

function buildPlan(plan: ParsedPlan, drain: DrainPolicy, directory: string): PlanConfig {
  return {
    ...(plan.queues && { queues: plan.queues }),
    parameters: new Map(
      Object.entries(plan.parameters ?? {}).map(([name, spec]): [string, ParameterSpec] => [
        name,
        { ...(spec?.pattern !== undefined && { pattern: spec.pattern }), required: spec?.required ?? false },
      ]),
    ),
    drain: buildDrain(plan.drain, drain),
    steps: plan.steps.map((step) => buildStep(step, directory)),
    onFailure: plan.onFailure ?? 'rollback',
    holdMs: plan.hold ?? HOLD,
    ...(plan.approvals && { approvals: buildApprovals(plan.approvals) }),
  };
}

function buildApprovals({
  count,
  notRequester,
  expireAfter,
  allowed,
}: NonNullable<ParsedPlan['approvals']>): ApprovalPolicy {
  return {
    count: count ?? 1,
    notRequester: notRequester ?? true,
    expireAfterMs: expireAfter ?? APPROVAL_EXPIRES_AFTER,
    ...(allowed && { allowed }),
  };
}
