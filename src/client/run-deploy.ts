import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { runGuarded } from '../commands/run-command.ts';
import type { CommandEnd } from '../commands/run-command.ts';
import { COMMAND_KILL_AFTER } from '../defaults.ts';
import { errorMessage, isLockkeeperError } from '../errors.ts';
import type {
  DeployRequest,
  DeployRunResult,
  DeployStatus,
  DeployTicket,
  Lease,
  Outcome,
  StepOutcome,
} from '../protocol.ts';
import type { DeployClient, Waiting, Whereabouts } from './deploy-client.ts';
import { isNotFound } from './not-found.ts';
import { holdLease } from './lease-holder.ts';
import { pause } from './pause.ts';
import { waitingNews } from './watch-deploy.ts';
import { isThisProcess } from './lease-taken.ts';
import type { LeaseHolder } from './lease-taken.ts';

/** How often the deploy is looked at, milliseconds. */
const LOOK_EVERY = 500;
/** How long a lease that nobody answered about is asked for again, milliseconds; then the deploy is looked at anew. */
const TAKE_WITHIN = 60_000;

/** What happens on the way, for whoever narrates it. */
export type DeployEvent =
  | { readonly kind: 'requested'; readonly ticket: DeployTicket }
  | ({ readonly kind: 'waiting' } & Waiting)
  | { readonly kind: 'status'; readonly status: DeployStatus }
  | { readonly kind: 'noAnswer'; readonly reason: string }
  /** The run ended without an outcome; the coordinator stops its steps and opens its gates. */
  | { readonly kind: 'runLost'; readonly how: string }
  /** Somebody else with the same request does the step; our command is not run. */
  | { readonly kind: 'leaseHeld'; readonly step: string; readonly holder: LeaseHolder }
  | { readonly kind: 'commandStarted'; readonly step: string }
  | { readonly kind: 'commandEnded'; readonly step: string; readonly outcome: StepOutcome }
  | { readonly kind: 'leaseLost'; readonly step: string; readonly how: 'cancelled' | 'lost' };

export type DeployEnd =
  | { readonly kind: 'ended'; readonly outcome: Outcome; readonly reason?: string }
  | { readonly kind: 'leaseLost'; readonly reason: string }
  | { readonly kind: 'timedOut'; readonly reason: string }
  | { readonly kind: 'interrupted'; readonly reason: string };

export interface RunDeployOptions {
  readonly deploys: DeployClient;
  readonly request: DeployRequest;
  /** What the external step does; left out: the deploy is only waited for. */
  readonly command?: {
    readonly argv: readonly [string, ...string[]];
    stdout(chunk: Buffer): void;
    stderr(chunk: Buffer): void;
  };
  /** Milliseconds to wait for the deploy's end, from the request; no limit unless given. */
  readonly timeoutMs?: number;
  readonly onEvent: (event: DeployEvent) => void;
  /** Fires when the wrapper itself is told to stop. */
  readonly signal: AbortSignal;
}

/**
 * Requests a deploy, waits its turn and the drain, does its external step under the lease, and waits for the end.
 * @throws {LockkeeperError} DEPLOY_CONFLICT, DEPLOY_INVALID, LEASE_TAKEN
 */
export async function runDeploy(options: RunDeployOptions): Promise<DeployEnd> {
  const { deploys, request, onEvent, signal } = options;
  const ticket = await deploys.request(request);
  onEvent({ kind: 'requested', ticket });
  const until = Date.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
  const nonce = randomUUID();
  let runId: string | undefined;
  for (;;) {
    if (signal.aborted) return { kind: 'interrupted', reason: await leave(options, 'its wrapper was told to stop') };
    if (Date.now() >= until)
      return { kind: 'timedOut', reason: await leave(options, 'its wrapper waited long enough') };
    const where = await lookAt(options, runId);
    if (where?.at === 'ended') return ended(where.result);
    if (where?.at === 'waiting') onEvent(waitingNews(where));
    if (where?.at === 'running') {
      runId = where.runId;
      onEvent({ kind: 'status', status: where.status });
      const end = options.command && (await takePart(options, where.status, nonce));
      if (end) return end;
    }
    if (where?.at === 'lost') onEvent({ kind: 'runLost', how: where.how });
    if (where?.at === 'lost' || where?.at === 'unknown') {
      // The run is gone, or has ended between two looks and another one has begun: the ticket knows the outcome.
      const again = await answered(options, () => deploys.request(request));
      if (again?.outcome) return ended({ ...again, outcome: again.outcome });
    }
    await pause(LOOK_EVERY, signal);
  }
}

const ended = ({ outcome, reason }: Pick<DeployRunResult, 'outcome' | 'reason'>): DeployEnd => ({
  kind: 'ended',
  outcome,
  ...(reason !== undefined && { reason }),
});

/** Nobody waits for the deploy any more: one that has not begun is taken back, so that it closes no gates for nobody. */
async function leave({ deploys, request }: RunDeployOptions, reason: string): Promise<string> {
  try {
    await deploys.withdraw({ deploy: request.id, reason, by: request.requestedBy });
    return `deploy ${request.id} had not begun and was withdrawn`;
  } catch (error) {
    if (isLockkeeperError(error, 'DEPLOY_NOT_CURRENT')) return abandon({ deploys, request }, reason);
    return `deploy ${request.id} could not be withdrawn and may still run: ${errorMessage(error)}`;
  }
}

/**
 * It has begun. While its external step, which nobody else can do now, has not ended, there is nothing it could go on with, and
 * everybody's gates would be closed for it.
 */
async function abandon(
  { deploys, request }: Pick<RunDeployOptions, 'deploys' | 'request'>,
  reason: string,
): Promise<string> {
  const goesOn = `deploy ${request.id} goes on without us`;
  try {
    const where = await deploys.find(request.id);
    if (request.external?.mode !== 'lease' || where.at !== 'running') return goesOn;
    const step = where.status.steps.find(({ type }) => type === 'external');
    // Another process may have its lease: one that asked for the same deploy.
    const undone = step?.state === 'pending' || (await deploys.leases.waiting(where.status)) !== undefined;
    if (!undone) return goesOn;
    await deploys.operate({ deploy: request.id, action: 'abort', reason, by: request.requestedBy });
    return `deploy ${request.id} is aborted: nobody else could do its external step`;
  } catch (error) {
    return `${goesOn}: ${errorMessage(error)}`;
  }
}

/** Undefined: nobody answered this time, which is told and is no reason to stop waiting. */
async function lookAt(
  { deploys, request, onEvent }: RunDeployOptions,
  runId: string | undefined,
): Promise<Whereabouts | undefined> {
  try {
    return await deploys.find(request.id, runId);
  } catch (error) {
    onEvent({ kind: 'noAnswer', reason: errorMessage(error) });
    return undefined;
  }
}

/** Undefined: nobody answered, as in {@link lookAt}. A refusal, and that something is not there, are answers. */
async function answered<T>({ onEvent }: RunDeployOptions, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    const silent = ['NO_DEPLOY_WORKER', 'LEDGER_UNREACHABLE'] as const;
    const refused = isLockkeeperError(error) && !silent.some((code) => isLockkeeperError(error, code));
    if (refused || isNotFound(error)) throw error;
    onEvent({ kind: 'noAnswer', reason: errorMessage(error) });
    return undefined;
  }
}

/** Does the external step if it waits for somebody now. Undefined: nothing to do yet, or done. */
async function takePart(
  options: RunDeployOptions,
  status: DeployStatus,
  nonce: string,
): Promise<DeployEnd | undefined> {
  if (status.unclaimed) return giveSignOfLife(options, nonce);
  const waiting = await answered(options, () => options.deploys.leases.waiting(status));
  if (!waiting) return tellHolder(options, status);
  const lease = await takeLease(options, waiting.workflowId, status.deploy, nonce);
  return lease && underLease(options, waiting.name, lease);
}

/** The gates do not close for one that is gone. Not heard, it is said again at the next look. */
async function giveSignOfLife(options: RunDeployOptions, nonce: string): Promise<undefined> {
  try {
    await answered(options, () => options.deploys.claimTurn({ deploy: options.request.id, nonce }));
  } catch (error) {
    // It ended between the look and the word; the next look says how.
    if (!isNotFound(error) && !isLockkeeperError(error, 'DEPLOY_NOT_CURRENT')) throw error;
  }
}

/** Asks until somebody answers: the lease may be ours without our knowing. The same nonce gets the same one again. */
async function takeLease(
  options: RunDeployOptions,
  workflowId: string,
  deploy: string,
  nonce: string,
): Promise<Lease | undefined> {
  for (const until = performance.now() + TAKE_WITHIN; !options.signal.aborted && performance.now() < until;) {
    try {
      const lease = await answered(options, () => options.deploys.leases.take(workflowId, deploy, nonce));
      if (lease) return lease;
    } catch (error) {
      // It ended between the look and the question; the next look says how.
      if (isNotFound(error) || isLockkeeperError(error, 'LEASE_LOST')) return undefined;
      throw error;
    }
    await pause(LOOK_EVERY, options.signal);
  }
  return undefined;
}

/** Who asks for the same deploy again, such as a CI job that is retried, waits beside the first one and should know. */
async function tellHolder({ deploys, onEvent }: RunDeployOptions, status: DeployStatus): Promise<undefined> {
  // Nobody answers: the next look at the deploy says so.
  const held = await deploys.leases.holder(status).catch(() => undefined);
  if (held && !isThisProcess(held.holder)) onEvent({ kind: 'leaseHeld', ...held });
}

async function underLease(options: RunDeployOptions, step: string, lease: Lease): Promise<DeployEnd | undefined> {
  const { deploys, command, onEvent, signal } = options;
  const over = new AbortController();
  const stop = new AbortController();
  const held = holdLease(deploys.leases, lease, over.signal).then((loss) => {
    if (loss) stop.abort(loss);
    return loss;
  });
  onEvent({ kind: 'commandStarted', step });
  const outcome = await commandOutcome(command!, lease.leaseMs, AbortSignal.any([stop.signal, signal]));
  // Reported only now, when the command is proven gone.
  over.abort();
  const loss = await held;
  if (loss === 'lost') {
    onEvent({ kind: 'leaseLost', step, how: loss });
    return { kind: 'leaseLost', reason: 'the lease was lost, and the command was ended before anything was reported' };
  }
  if (loss === 'cancelled') {
    onEvent({ kind: 'leaseLost', step, how: loss });
    await report(() => deploys.leases.reportCancelled(lease), lease);
    return undefined;
  }
  onEvent({ kind: 'commandEnded', step, outcome });
  const heard = await report(() => deploys.leases.complete(lease, outcome), lease);
  if (!heard)
    return { kind: 'leaseLost', reason: 'the lease was lost before the end of the command could be reported' };
  return signal.aborted ? { kind: 'interrupted', reason: 'the command was ended, and its step has failed' } : undefined;
}

/**
 * Tells the server while it may still believe us. False: it no longer does. When a reply was lost it may have believed us and
 * know nothing of it when asked again: the deploy itself then says what became of it.
 */
async function report(tell: () => Promise<void>, lease: Lease): Promise<boolean> {
  const until = performance.now() + lease.leaseMs;
  for (let inDoubt = false; ; inDoubt = true) {
    try {
      await tell();
      return true;
    } catch (error) {
      if (isNotFound(error)) return inDoubt;
      if (performance.now() >= until) return true;
    }
    await delay(LOOK_EVERY);
  }
}

async function commandOutcome(
  command: NonNullable<RunDeployOptions['command']>,
  leaseMs: number,
  signal: AbortSignal,
): Promise<StepOutcome> {
  let end: CommandEnd;
  try {
    end = await runGuarded({
      argv: command.argv,
      stdout: (c) => command.stdout(c),
      stderr: (c) => command.stderr(c),
      // Gone before the lease is anybody else's: half of it may have passed before the loss is noticed.
      killAfterMs: Math.min(COMMAND_KILL_AFTER, leaseMs / 4),
      // A wrapper that is frozen cannot end it: its guard does, before the lease is over.
      silentForMs: leaseMs / 2,
      signal,
    });
  } catch (error) {
    return {
      kind: 'failed',
      reason: signal.aborted ? 'the command was ended because its wrapper was told to stop' : errorMessage(error),
    };
  }
  if (end.code === 0) return { kind: 'done' };
  return {
    kind: 'failed',
    reason: end.signal ? `the command was ended by ${end.signal}` : `the command exited with ${end.code}`,
  };
}
