import { setImmediate as nextTurn } from 'node:timers/promises';
import { milliseconds } from '../duration.ts';
import { LockkeeperError } from '../errors.ts';
import type { JobDefinition } from '../jobs/define-job.ts';
import { parseInput } from '../jobs/input.ts';
import { afterFailure } from '../jobs/retry.ts';
import { isRetryable, runSlice } from '../jobs/run-slice.ts';
import type { SliceEnd } from '../jobs/run-slice.ts';
import { spoken } from '../jobs/reason.ts';
import type { Progress } from '../ledger/checkpoints.ts';
import { SLICES_AT_MOST, endless, lost, quarantined } from './bad-ends.ts';
import { Script } from './disturbances.ts';
import { throughJson } from './input.ts';
import type { Held, Place } from './place.ts';
import { SILENT } from './places.ts';
import type { TestRun, TestRunOptions, TestSlice } from './run-job-in-test.ts';
import { WatchedSlice } from './watched-slice.ts';
import type { Seen } from './watched-slice.ts';

/** Long enough for whoever looks at the body of a transaction in a debugger. */
const IDLE_IN_TRANSACTION_MS = 600_000;

type End = SliceEnd | { readonly kind: 'killed' } | { readonly kind: 'failed'; readonly error: unknown };

/** One run of a job: slice after slice, as the job's workflow does it, until it has ended. */
export class TestJob<N extends string, I, R, S> {
  readonly #definition: JobDefinition<N, I, R, S>;
  readonly #input: unknown;
  readonly #options: TestRunOptions;
  readonly #place: Place;
  readonly #script: Script;
  readonly #seen: Seen = { checkpoints: 0, states: [], plain: [] };
  readonly #slices: TestSlice<S>[] = [];
  #mode: 'run' | 'cancel' = 'run';
  #progress: Progress = {};
  #failures = 0;
  #lastSeq = 0;

  constructor(definition: JobDefinition<N, I, R, S>, input: I, options: TestRunOptions, place: Place) {
    const { checkpointEvery } = options;
    const everyMs = checkpointEvery === undefined ? undefined : milliseconds(checkpointEvery);
    const own = definition.checkpointEveryMs === 0 ? 0 : Infinity;
    this.#definition = { ...definition, checkpointEveryMs: everyMs ?? own };
    this.#input = throughJson(definition.name, input);
    this.#options = options;
    this.#place = place;
    this.#script = new Script(options);
  }

  async run(): Promise<TestRun<S, R>> {
    let run: TestRun<S, R>;
    try {
      await this.#seed();
      run = await this.#loop();
    } catch (error) {
      await this.#place
        .forget()
        .catch((failed: unknown) => this.#log.warn({ err: failed }, 'the job was not forgotten'));
      throw error;
    }
    await this.#place.forget();
    this.#script.assertAllHappened(this.#definition.name, this.#seen.checkpoints);
    return run;
  }

  /** The checkpoints so far that were plain yields, saved only when their time comes. */
  get plain(): readonly number[] {
    return this.#seen.plain;
  }

  get #log() {
    return this.#options.log ?? SILENT;
  }

  /** The state that the test begins with, saved by the version it names. */
  async #seed(): Promise<void> {
    const { resumeFrom } = this.#options;
    if (!resumeFrom) return;
    if (!this.#definition.options.state)
      throw new LockkeeperError('USAGE', `resumeFrom: job ${this.#definition.name} has no state`, {
        next: 'A stateless job begins again from its input',
      });
    const held = await this.#claim(resumeFrom.version ?? 1);
    await held.saver.save('state', resumeFrom.state);
    await held.end('released');
    this.#lastSeq = held.saver.seq;
  }

  async #claim(stateVersion = this.#definition.options.state?.version ?? 1): Promise<Held> {
    const held = await this.#place.claim(stateVersion);
    if ('quarantined' in held) throw quarantined(this.#definition.name, held.quarantined);
    return held;
  }

  async #loop(): Promise<TestRun<S, R>> {
    for (;;) {
      // Whatever the job does, timeouts of the test's runner are heard.
      await nextTurn();
      if (this.#slices.length === SLICES_AT_MOST) throw endless(this.#definition.name, this.#slices.at(-1)!);
      const { end, cancelled } = await this.#slice();
      switch (end.kind) {
        case 'done':
          return this.#ended('done', end.result as R);
        case 'cancelled':
          if (this.#mode === 'cancel') return this.#ended('cancelled', undefined);
          this.#mode = 'cancel';
          break;
        case 'failed':
          if (!cancelled) break;
          // It threw because of the cancellation: that is one way to end for it.
          this.#script.happened(this.#seen.checkpoints + 1);
          this.#mode = 'cancel';
          break;
        case 'killed':
          await this.#options.onKill?.();
          break;
        case 'yielded':
          break;
        case 'fenced':
        case 'ledgerAway':
          throw lost(end.kind);
      }
    }
  }

  #ended(outcome: 'done' | 'cancelled', result: R | undefined): TestRun<S, R> {
    return {
      outcome,
      result: result === undefined ? undefined : (JSON.parse(JSON.stringify(result)) as R),
      checkpoints: this.#seen.checkpoints,
      states: this.#seen.states as S[],
      slices: this.#slices,
      progress: this.#progress,
    };
  }

  /** As the slice activity does it, from claim to release. */
  async #slice(): Promise<{ end: End; cancelled: boolean }> {
    const held = await this.#claim();
    let as: 'released' | 'lost' = 'released';
    try {
      const restored = held.saver.restore(this.#definition, await held.load());
      if (!restored.ok) throw quarantined(this.#definition.name, spoken(restored.reason));
      const slice = new WatchedSlice(this.#definition, this.#script, this.#seen, this.#options.database !== undefined);
      const end = await this.#work(held, slice, restored.state);
      if (slice.misuse) throw slice.misuse;
      if (end.kind === 'killed') as = 'lost';
      if (end.kind === 'failed') this.#countFailure(end.error, held.saver.seq > this.#lastSeq);
      // A killed slice can tell nobody how far it came.
      if (end.kind !== 'killed') this.#lastSeq = held.saver.seq;
      this.#progress = { ...this.#progress, ...held.saver.progress };
      this.#tell(restored.state as S, end);
      return { end, cancelled: slice.cancelled.signal.aborted };
    } finally {
      await held.end(as);
    }
  }

  #work(held: Held, slice: WatchedSlice, state: unknown): Promise<End> {
    const { name } = this.#definition;
    const work = async (): Promise<End> => {
      try {
        return await runSlice({
          definition: slice.definition,
          mode: this.#mode,
          input: parseInput(this.#definition, structuredClone(this.#input)),
          state,
          jobId: `${name}-in-test`,
          ledger: held.ledger,
          saver: held.saver,
          stopping: slice.stopping.signal,
          cancelled: slice.cancelled.signal,
          log: this.#log,
          idleTimeoutMs: IDLE_IN_TRANSACTION_MS,
        });
      } catch (error) {
        return { kind: 'failed', error };
      }
    };
    return Promise.race([work(), slice.died.then((): End => ({ kind: 'killed' }))]);
  }

  #tell(from: S, end: End): void {
    if (end.kind === 'fenced' || end.kind === 'ledgerAway') return;
    if (end.kind === 'failed') this.#slices.push({ from, end: 'failed', error: end.error });
    else this.#slices.push({ from, end: end.kind === 'yielded' ? 'interrupted' : end.kind });
  }

  /** Throws what the job threw when its retry budget is used up. */
  #countFailure(error: unknown, progressed: boolean): void {
    const before = progressed ? 0 : this.#failures;
    const { failures, again } = afterFailure(this.#definition.retry, before, isRetryable(error));
    this.#failures = failures;
    if (!again) throw error;
  }
}
