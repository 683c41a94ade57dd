import { JOB_RETRY, LOSSES_UNTIL_QUARANTINE } from '../defaults.ts';
import { LockkeeperError, errorMessage } from '../errors.ts';
import { milliseconds } from '../duration.ts';
import type { Duration } from '../duration.ts';
import { encodeState } from './encode-state.ts';
import type { Job, Steps } from './job.ts';
import { refuseUnusableName } from './name.ts';
import type { RetryBudget } from './retry.ts';

/** The state of a job between slices. It must survive JSON. */
export interface StateSpec<S> {
  /** Counts up whenever the shape changes; 1 unless said otherwise. */
  readonly version?: number;
  readonly initial: S;
  /** Checks and types a state that was read back; throws when it is not one. */
  readonly parse?: (value: unknown) => S;
  /** `migrate[n]` turns a state of version n into one of version n + 1. */
  readonly migrate?: Readonly<Record<number, (old: never) => unknown>>;
}

export interface RetryOptions {
  /** Attempts without progress between them, the first included. */
  readonly maximumAttempts?: number;
  readonly initialInterval?: Duration;
  readonly backoffCoefficient?: number;
  readonly maximumInterval?: Duration;
}

export interface JobOptions<N extends string, I, R, S> {
  readonly name: N;
  readonly taskQueue: string;
  /** Left out: the job is stateless and starts again from its input. */
  readonly state?: StateSpec<S>;
  /** Checks and types the input; throws when it is not one. */
  readonly parseInput?: (value: unknown) => I;
  /** Retry budget for errors of the job's own code. Interruptions never count. */
  readonly retry?: RetryOptions;
  /** Plain `yield` writes at most this often; 1 s unless said otherwise. */
  readonly checkpointEvery?: Duration;
  /** How long a silent worker is believed; 30 s unless said otherwise. */
  readonly heartbeatTimeout?: Duration;
  /** The job is not stopped once begun; a drain waits for it, at most this long. */
  readonly atomic?: {
    readonly maxDuration: Duration;
    /**
     * When its worker is lost in the middle, nobody knows whether its work was done: `quarantine`, unless said otherwise,
     * waits for a person; `restart` begins again.
     */
    readonly onCrash?: 'quarantine' | 'restart';
  };
  /**
   * What becomes of the job when its last checkpoint cannot be restored: its key is missing, it was changed or is gone, no `migrate`
   * or `parse` takes it, a newer version of the job wrote it, or the whole ledger is older than the job.
   * - `quarantine`, unless said otherwise: it waits for a person.
   * - `previous`: it goes on from the newest kept checkpoint that can be restored, and does again what came after it. Not behind one
   *   that was committed together with SQL of the job: then it waits for a person, as when there is none.
   * - `restart`: it begins again from its initial state, also when all it has done is done again by that.
   */
  readonly onUnrestorable?: OnUnrestorable;
  // `NoInfer`: the state's type comes from `state` alone, so that a wrong yield is an error where it stands.
  run(job: NoInfer<Job<S>>, input: I): Steps<NoInfer<S>, R>;
  /** Undoes what must not stay when the job is cancelled; runs in slices of its own, with the last saved state. */
  onCancel?(job: NoInfer<Job<S>>, input: I): Steps<NoInfer<S>>;
}

export type OnUnrestorable = 'previous' | 'restart' | 'quarantine';
const ON_UNRESTORABLE: readonly unknown[] = ['previous', 'restart', 'quarantine'] satisfies OnUnrestorable[];

/** A job that workers can run and clients can start. */
export interface JobDefinition<N extends string = string, I = unknown, R = unknown, S = unknown> {
  readonly kind: 'lockkeeper.job';
  readonly name: N;
  readonly taskQueue: string;
  readonly options: JobOptions<N, I, R, S>;
  readonly retry: RetryBudget;
  readonly checkpointEveryMs: number | undefined;
  readonly heartbeatTimeoutMs: number | undefined;
  readonly atomicMs: number | undefined;
  /** Losses of its worker without progress until it is quarantined. */
  readonly lossesAllowed: number;
  readonly onUnrestorable: OnUnrestorable;
}

/** A definition whose types do not matter to the one who holds it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- input is contravariant: `unknown` would refuse every definition
export type AnyJob = JobDefinition<string, any, any, any>;

export type InputOf<D extends AnyJob> = Parameters<D['options']['run']>[1];
export type ResultOf<D extends AnyJob> = D['options']['run'] extends (...args: never[]) => Steps<unknown, infer R>
  ? R
  : never;
export type NameOf<D extends AnyJob> = D['name'];

/**
 * Defines a job: long work that saves its place at every `yield` and goes on from there after any interruption.
 *
 * @throws {LockkeeperError} DEFINITION_INVALID
 * @example
 * export const count = defineJob({
 *   name: 'count',
 *   taskQueue: 'numbers',
 *   state: { initial: { at: 0 } },
 *   async *run(job, input: { to: number }) {
 *     for (let at = job.state.at; at < input.to; at += 1) yield { at: at + 1 };
 *     return { counted: input.to };
 *   },
 * });
 */
export function defineJob<const N extends string, I, R, S = undefined>(
  options: JobOptions<N, I, R, S>,
): JobDefinition<N, I, R, S> {
  check(options);
  const { retry = {}, atomic } = options;
  const ms = (what: string, duration: Duration | undefined) => durationOf(options.name, what, duration);
  return {
    kind: 'lockkeeper.job',
    name: options.name,
    taskQueue: options.taskQueue,
    options,
    retry: {
      maximumAttempts: retry.maximumAttempts ?? JOB_RETRY.maximumAttempts,
      initialIntervalMs: ms('retry.initialInterval', retry.initialInterval) ?? JOB_RETRY.initialIntervalMs,
      backoffCoefficient: retry.backoffCoefficient ?? JOB_RETRY.backoffCoefficient,
      maximumIntervalMs: ms('retry.maximumInterval', retry.maximumInterval) ?? JOB_RETRY.maximumIntervalMs,
    },
    checkpointEveryMs: ms('checkpointEvery', options.checkpointEvery),
    heartbeatTimeoutMs: ms('heartbeatTimeout', options.heartbeatTimeout),
    atomicMs: ms('atomic.maxDuration', atomic?.maxDuration),
    lossesAllowed: atomic && atomic.onCrash !== 'restart' ? 1 : LOSSES_UNTIL_QUARANTINE,
    onUnrestorable: options.onUnrestorable ?? 'quarantine',
  };
}

export function isJobDefinition(value: unknown): value is AnyJob {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'lockkeeper.job';
}

const wrong = (name: unknown, what: string, next: string) =>
  new LockkeeperError('DEFINITION_INVALID', `job ${JSON.stringify(name)}: ${what}`, { next });

function durationOf(name: string, what: string, duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  try {
    return milliseconds(duration);
  } catch (error) {
    throw wrong(name, `${what}: ${errorMessage(error)}`, 'Correct it where the job is defined');
  }
}

function check<N extends string, I, R, S>(o: JobOptions<N, I, R, S>): void {
  const refuse = (what: string, next: string) => wrong(o.name, what, next);
  const unusable = refuseUnusableName(o.name);
  if (unusable) throw refuse('the name is not usable', unusable);
  if (typeof o.taskQueue !== 'string' || o.taskQueue === '') throw refuse('it has no task queue', 'Set `taskQueue`');
  if (typeof o.run !== 'function') throw refuse('it has no `run`', 'Write `async *run(job, input) { … }`');
  if (o.state && o.atomic)
    throw refuse('it is atomic and has a state', 'An atomic job is never interrupted: leave `state` out');
  const onCrash: unknown = o.atomic?.onCrash ?? 'quarantine';
  if (onCrash !== 'quarantine' && onCrash !== 'restart')
    throw refuse(`atomic.onCrash is ${JSON.stringify(onCrash)}`, 'Use `quarantine` or `restart`');
  const version = o.state?.version ?? 1;
  if (!Number.isInteger(version) || version < 1)
    throw refuse(`state version ${version} is not a positive whole number`, 'Count from 1');
  if (o.onUnrestorable !== undefined && !ON_UNRESTORABLE.includes(o.onUnrestorable))
    throw refuse(`onUnrestorable is ${JSON.stringify(o.onUnrestorable)}`, 'Use `quarantine`, `previous` or `restart`');
  if (o.state) encodeInitial(o.name, o.state.initial);
  const { maximumAttempts: attempts, backoffCoefficient: backoff } = o.retry ?? {};
  if (attempts !== undefined && (!Number.isInteger(attempts) || attempts < 1)) {
    throw refuse(`retry.maximumAttempts is ${attempts}`, 'Use a whole number, 1 for no retry');
  }
  if (backoff !== undefined && !(Number.isFinite(backoff) && backoff >= 1)) {
    throw refuse(`retry.backoffCoefficient is ${backoff}`, 'Use 1 for equal pauses, more for growing ones');
  }
}

/** It is written like any other state, so what is wrong with it shows when the job is defined. */
function encodeInitial(name: string, initial: unknown): void {
  try {
    encodeState(initial, 'the initial state');
  } catch (error) {
    throw wrong(name, errorMessage(error), 'Keep what is not state out of it');
  }
}
