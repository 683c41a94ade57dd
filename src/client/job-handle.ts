import type { Client } from '@temporalio/client';
import { JobSeal } from '../crypto/job-seal.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { readable } from '../crypto/reading-codec.ts';
import { LockkeeperError } from '../errors.ts';
import { savedResult } from '../jobs/saved-result.ts';
import { closedGates } from '../ledger/gates.ts';
import { jobsOf, readJob } from '../ledger/jobs.ts';
import type { JobRow } from '../ledger/jobs.ts';
import { listKept } from '../ledger/kept.ts';
import type { KeptCheckpoint } from '../ledger/kept.ts';
import type { Ledger } from '../ledger/pool.ts';
import { JOB_STATUS_QUERY, JOB_WORKFLOW, handlersOfJob, isResultInLedger } from '../protocol.ts';
import type { JobStatus, ReleaseChoice, ResultInLedger } from '../protocol.ts';
import { hasEnded, jobRowOf, openTexts } from './job-row.ts';
import { isUnreadable } from '../protocol/payloads.ts';
import { isNotFound } from './not-found.ts';
import { pause } from './pause.ts';
import { releaseJob } from './release-job.ts';
import { refusalOf } from './update-errors.ts';

/** How often {@link JobHandle.progress} looks, milliseconds. */
const LOOK_EVERY = 500;

/** One job that was started, by its id; whether there is such a job shows when it is asked something. */
export class JobHandle<R = unknown> {
  readonly id: string;
  readonly #client: Client;
  readonly #ledger: Ledger;
  readonly #keyring: Keyring | undefined;

  constructor(client: Client, ledger: Ledger, id: string, keyring?: Keyring) {
    this.#client = client;
    this.#ledger = ledger;
    this.#keyring = keyring;
    this.id = id;
  }

  get #workflow() {
    return this.#client.workflow.getHandle(this.id);
  }

  /**
   * Waits for the job's end. Throws Temporal's `WorkflowFailedError` when it failed or was cancelled; its `cause` says why.
   * @throws {LockkeeperError} JOB_NOT_FOUND; KEY_MISSING, SEAL_BROKEN when it cannot be decrypted here; PLAINTEXT_REFUSED for a large one,
   *   which is in the ledger
   */
  async result(): Promise<R> {
    const answer: unknown = await this.#ask(() => this.#workflow.result());
    const result = readable(`the result of job ${this.id}`, answer) as R | ResultInLedger;
    if (!isResultInLedger(result)) return result;
    const key = result.lockkeeperResultInLedger;
    const saved = await savedResult(this.#ledger, this.#keyring, key);
    if (!saved) throw new LockkeeperError('JOB_NOT_FOUND', `the result of ${this.id} is not in the ledger any more`);
    return saved.value as R;
  }

  /** What the job's workflow says; some worker must serve its queue. @throws {LockkeeperError} JOB_NOT_FOUND, KEY_MISSING */
  async status(): Promise<JobStatus> {
    const answer = await this.#ask(async () => this.#workflow.query<JobStatus>(await this.#statusQuery()));
    return readable(`what the workflow of job ${this.id} says`, answer);
  }

  /** What the ledger says; undefined while the job has not begun its first slice. */
  async row(): Promise<JobRow | undefined> {
    return (await this.rows())[0];
  }

  /** The same for a workflow of your own, which may have several jobs: those that wait for a person first, then the newest. */
  async rows(): Promise<JobRow[]> {
    const rows = await jobsOf(this.#ledger, this.id);
    return rows.map((row) => openTexts(row, this.#keyring));
  }

  /**
   * Where the job is, whether workers run or not: `pending` while it has not begun.
   * @throws {LockkeeperError} JOB_NOT_FOUND
   */
  async describe(): Promise<JobRow> {
    return (await this.#look()).row;
  }

  /**
   * The job's {@link describe} whenever it has changed, looked at twice a second, until the job has ended or `signal` fires.
   * @throws {LockkeeperError} JOB_NOT_FOUND
   * @example for await (const { state, progress } of job.progress()) console.log(state, progress.done, progress.total);
   */
  async *progress(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<JobRow, void, void> {
    let last = '';
    while (!options.signal?.aborted) {
      const { row, running } = await this.#look();
      const now = JSON.stringify(row);
      if (now !== last) {
        last = now;
        yield row;
      }
      if (!running) return;
      await pause(LOOK_EVERY, options.signal);
    }
  }

  /**
   * Asks the job to end; its `onCancel` runs, and then {@link result} throws.
   * @throws {LockkeeperError} JOB_NOT_FOUND, USAGE when it has ended already
   */
  async cancel(): Promise<void> {
    const { row, type, running } = await this.#look();
    // The ledger knows of a job's end a moment before Temporal does.
    if (!running || (type === JOB_WORKFLOW && hasEnded(row))) {
      throw new LockkeeperError('USAGE', `job ${this.id} has ended already: ${row.state}`, {
        next: 'There is nothing to cancel',
      });
    }
    await this.#ask(() => this.#workflow.cancel());
  }

  /**
   * What is kept of the job to go on from, the newest first, and whether it can be restored.
   * @example for (const { seq, found, why } of await job.checkpoints()) console.log(seq, found, why);
   */
  async checkpoints(): Promise<KeptCheckpoint[]> {
    const key = (await this.row())?.key;
    if (key === undefined) return [];
    const seal = new JobSeal(this.#keyring, key);
    const kept = await listKept(this.#ledger, key);
    return kept.map((one) => (one.why === undefined ? one : { ...one, why: seal.openText(one.why, 'reason') }));
  }

  /**
   * Releases the job from quarantine. `key` says which one of several inside a workflow of your own. Its status then; undefined
   * when the answer is encrypted by a key that is not here.
   * @throws {LockkeeperError} JOB_NOT_FOUND, USAGE when it is not in quarantine, or the checkpoint is not kept
   */
  async release(choice: ReleaseChoice, key?: string): Promise<JobStatus | undefined> {
    try {
      const status = await this.#ask(() => releaseJob(this.#client, this.#ledger, this.id, choice, key));
      return isUnreadable(status) ? undefined : status;
    } catch (error) {
      throw refusalOf(error);
    }
  }

  async #statusQuery(): Promise<string> {
    const { type } = await this.#workflow.describe();
    const key = type === JOB_WORKFLOW ? undefined : (await this.row())?.key;
    return key === undefined ? JOB_STATUS_QUERY : handlersOfJob(key).status;
  }

  async #look(): Promise<{ row: JobRow; type: string; running: boolean }> {
    const workflow = await this.#ask(() => this.#workflow.describe());
    // A job that was started anew under its id has not begun, whatever the ledger has of the one before.
    const firstRunId = workflow.raw.workflowExecutionInfo?.firstRunId ?? undefined;
    const row = await readJob(this.#ledger, this.id, firstRunId);
    const open = row && openTexts(row, this.#keyring);
    const closed = row ? new Map<string, string>() : await closedGates(this.#ledger);
    return { row: jobRowOf(workflow, open, closed), type: workflow.type, running: workflow.status.name === 'RUNNING' };
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new LockkeeperError('JOB_NOT_FOUND', `there is no job ${this.id}, or it has ended`, {
        next: 'See `lockkeeper job list`',
        cause: error,
      });
    }
  }
}
