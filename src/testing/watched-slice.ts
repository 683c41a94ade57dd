import type { AnyJob } from '../jobs/define-job.ts';
import { encodeState } from '../jobs/encode-state.ts';
import { SAVED } from '../jobs/job.ts';
import type { Job, Saved, Steps } from '../jobs/job.ts';
import { LockkeeperError } from '../errors.ts';
import type { Script } from './disturbances.ts';

/** What was seen of the job so far, in all slices of one run. */
export interface Seen {
  /** Checkpoints reached, those at which the job was killed included. */
  checkpoints: number;
  readonly states: unknown[];
  /** Numbers of the checkpoints that were plain yields, saved only when their time comes. */
  readonly plain: number[];
}

/** One slice: stands between the job's code and its driver, and lets happen at a checkpoint what the script says. */
export class WatchedSlice {
  readonly stopping = new AbortController();
  readonly cancelled = new AbortController();
  /** Resolves when the process that runs the slice is to be taken for dead. The slice itself never ends then. */
  readonly died: Promise<void>;
  /** What the test has done wrong, whatever the job's code makes of it. */
  misuse: LockkeeperError | undefined;
  readonly #definition: AnyJob;
  readonly #script: Script;
  readonly #seen: Seen;
  readonly #database: boolean;
  #tellDeath: () => void = () => undefined;

  constructor(definition: AnyJob, script: Script, seen: Seen, database: boolean) {
    this.#definition = definition;
    this.#script = script;
    this.#seen = seen;
    this.#database = database;
    this.died = new Promise((resolve) => (this.#tellDeath = resolve));
  }

  /** The job's definition, watched. */
  get definition(): AnyJob {
    const { options } = this.#definition;
    const watched = { run: (job: Job<unknown>, input: unknown) => this.#watch(job, (own) => options.run(own, input)) };
    const onCancel = options.onCancel && {
      onCancel: (job: Job<unknown>, input: unknown) => this.#watch(job, (own) => options.onCancel!(own, input)),
    };
    return { ...this.#definition, options: { ...options, ...watched, ...onCancel } };
  }

  #watch<R>(job: Job<unknown>, begin: (job: Job<unknown>) => Steps<unknown, R>): Steps<unknown, R> {
    const steps = begin(this.#jobOf(job));
    const next = steps.next.bind(steps);
    let failure: Error | undefined;
    steps.next = async () => {
      const n = this.#seen.checkpoints + 1;
      const thrown = failure;
      failure = undefined;
      const coming = thrown ? steps.throw(thrown) : next();
      // While the job is at work, as a deploy would; not before, when it has not yet begun to listen.
      if (!thrown) this.#signal(n);
      const step = await coming;
      // It has caught what was thrown, and goes on.
      if (thrown) this.#signal(n);
      if (this.#script.at(n) === 'killAt') await this.#die();
      if (step.done) return step;
      if (this.#script.at(n) === 'failAt') failure = new Error(`thrown by the test after checkpoint ${n}`);
      this.#reached(n, step.value, job);
      return step;
    };
    return steps;
  }

  #signal(n: number): void {
    const coming = this.#script.at(n);
    if (coming === 'interruptAt') this.stopping.abort('a deploy');
    if (coming === 'cancelAt') this.cancelled.abort();
  }

  #reached(n: number, yielded: unknown, job: Job<unknown>): void {
    const { options, checkpointEveryMs } = this.#definition;
    this.#seen.checkpoints = n;
    this.#script.happened(n);
    if (!options.state) {
      this.#seen.states.push(undefined);
      return;
    }
    if (yielded !== SAVED && checkpointEveryMs !== 0) this.#seen.plain.push(n);
    // Each state is tried at once, not only when its time to be written has come: what cannot be saved must show.
    const bytes = encodeState(yielded === SAVED ? job.state : yielded, 'the state');
    this.#seen.states.push(JSON.parse(bytes.toString()));
  }

  /** Never comes back: whoever waits for it was killed. */
  #die(): Promise<never> {
    this.#seen.checkpoints += 1;
    this.#script.happened(this.#seen.checkpoints);
    this.#tellDeath();
    return new Promise(() => undefined);
  }

  /** The job as its code sees it: killed inside a transaction it leaves nothing of it. */
  #jobOf(job: Job<unknown>): Job<unknown> {
    const diesNext = () => this.#script.at(this.#seen.checkpoints + 1) === 'killAt';
    const transaction: Job<unknown>['transaction'] = (body) => {
      this.#needsDatabase();
      return job.transaction(async (sql, save) => {
        let saved = false;
        const result = await body(sql, (next) => {
          saved = true;
          save(next);
        });
        if (saved && diesNext()) await this.#die();
        return result;
      });
    };
    const statement: Job<unknown>['statement'] = (text, values, next) => {
      this.#needsDatabase();
      const steps = job.statement(text, values, next);
      const die = () => this.#die();
      return (async function* (): AsyncGenerator<Saved, void, void> {
        if (diesNext()) await die();
        return yield* steps;
      })();
    };
    return {
      ...job,
      get state() {
        return job.state;
      },
      transaction,
      statement,
    };
  }

  #needsDatabase(): void {
    if (this.#database) return;
    this.misuse = new LockkeeperError(
      'USAGE',
      `job ${this.#definition.name} uses job.transaction or job.statement, and the test named no database: ` +
        'that both are done together, once, only a real Postgres can show',
      { next: 'Pass `database`, the URL or pg.Pool of a test database with the tables of the job' },
    );
    throw this.misuse;
  }
}
