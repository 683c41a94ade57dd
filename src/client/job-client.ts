import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { LockkeeperError, errorMessage } from '../errors.ts';
import type { AnyJob, InputOf, ResultOf } from '../jobs/define-job.ts';
import { loadCheckpoint } from '../ledger/checkpoints.ts';
import { knownJobs, listJobs, readJob } from '../ledger/jobs.ts';
import type { JobRow } from '../ledger/jobs.ts';
import type { Ledger } from '../ledger/pool.ts';
import { JOB_STATUS_QUERY, JOB_WORKFLOW, RELEASE_UPDATE } from '../protocol.ts';
import type { JobStatus, JobWorkflowInput, ReleaseChoice, ResultInLedger } from '../protocol.ts';
import { isNotFound } from './not-found.ts';
import { refusalOf } from './update-errors.ts';

/** Temporal takes no payload above 2 MiB; some of that is for the rest of it. */
const INPUT_LIMIT_BYTES = 2 * 1024 * 1024 - 4_096;
/** How often {@link JobHandle.progress} looks, milliseconds. */
const LOOK_EVERY = 500;

/** Jobs in a list unless asked otherwise. */
const LIST_LIMIT = 50;

export interface StartOptions {
  /** The job's id; starting it again under the same id gives the job that is there. Random unless given. */
  readonly id?: string;
  /** Whom the job belongs to; a search attribute. */
  readonly owner?: string;
}

/**
 * Starts jobs and looks after them. A job may be started at any time, also during a deploy.
 * @example
 * const job = await new JobClient(client, ledger).start(importCities, { file }, { id: 'import-7' });
 * const { rows } = await job.result();
 */
export class JobClient {
  readonly #client: Client;
  readonly #ledger: Ledger;

  constructor(client: Client, ledger: Ledger) {
    this.#client = client;
    this.#ledger = ledger;
  }

  /** @throws {LockkeeperError} JOB_INPUT_INVALID when it is too large or cannot be JSON */
  async start<D extends AnyJob>(
    definition: D,
    input: InputOf<D>,
    options: StartOptions = {},
  ): Promise<JobHandle<ResultOf<D>>> {
    refuseLargeInput(definition.name, input);
    const id = options.id ?? `${definition.name}-${randomUUID()}`;
    const args: JobWorkflowInput = {
      job: definition.name,
      input,
      ...(definition.heartbeatTimeoutMs !== undefined && { heartbeatTimeoutMs: definition.heartbeatTimeoutMs }),
    };
    try {
      await this.#client.workflow.start(JOB_WORKFLOW, {
        workflowId: id,
        taskQueue: definition.taskQueue,
        args: [args],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
        staticSummary: `job ${definition.name}`,
        memo: { job: definition.name },
        searchAttributes: {
          LockkeeperKind: ['job'],
          LockkeeperState: ['running'],
          ...(options.owner !== undefined && { LockkeeperOwner: [options.owner] }),
        },
      });
    } catch (error) {
      // It has ended well before: the handle gives that result.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    return this.handle<ResultOf<D>>(id);
  }

  handle<R = unknown>(id: string): JobHandle<R> {
    return new JobHandle<R>(this.#client, this.#ledger, id);
  }

  /** Jobs, latest first: those of the ledger, and the ones that wait for their first slice, as `pending`. */
  async list(options: { state?: JobRow['state']; limit?: number } = {}): Promise<JobRow[]> {
    const limit = options.limit ?? LIST_LIMIT;
    const begun = options.state === 'pending' ? [] : await listJobs(this.#ledger, { ...options, limit });
    const wanted = options.state === undefined || options.state === 'pending';
    const pending = wanted ? await this.#pending(limit) : [];
    return [...pending, ...begun].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime()).slice(0, limit);
  }

  /** Running job workflows that the ledger does not know yet: nothing of them has been claimed. */
  async #pending(limit: number): Promise<JobRow[]> {
    const found: JobRow[] = [];
    const query = `LockkeeperKind = 'job' and ExecutionStatus = 'Running'`;
    for await (const { workflowId, taskQueue, startTime, memo } of this.#client.workflow.list({ query })) {
      const name = typeof memo?.['job'] === 'string' ? memo['job'] : '';
      found.push({
        workflowId,
        name,
        taskQueue,
        state: 'pending',
        seq: 0,
        interruptions: 0,
        losses: 0,
        progress: {},
        createdAt: startTime,
      });
      if (found.length === limit) break;
    }
    const known = await knownJobs(
      this.#ledger,
      found.map((job) => job.workflowId),
    );
    return found.filter((job) => !known.has(job.workflowId));
  }
}

export class JobHandle<R = unknown> {
  readonly id: string;
  readonly #client: Client;
  readonly #ledger: Ledger;

  constructor(client: Client, ledger: Ledger, id: string) {
    this.#client = client;
    this.#ledger = ledger;
    this.id = id;
  }

  get #workflow() {
    return this.#client.workflow.getHandle(this.id);
  }

  /** Waits for the job's end. Throws WorkflowFailedError when it failed or was cancelled. */
  async result(): Promise<R> {
    const result = (await this.#workflow.result()) as R | ResultInLedger;
    if (!isInLedger(result)) return result;
    const last = await loadCheckpoint(this.#ledger, result.lockkeeperResultInLedger);
    if (last === undefined || last === 'missing')
      throw new LockkeeperError('JOB_NOT_FOUND', `the result of ${this.id} is not in the ledger any more`);
    return last.value as R;
  }

  /** What the job's workflow says. @throws {LockkeeperError} JOB_NOT_FOUND */
  async status(): Promise<JobStatus> {
    try {
      return await this.#workflow.query<JobStatus>(JOB_STATUS_QUERY);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new LockkeeperError('JOB_NOT_FOUND', `there is no job ${this.id}`, {
        next: 'See `lockkeeper job list`',
        cause: error,
      });
    }
  }

  /** What the ledger says; undefined while the job has not begun its first slice. */
  row(): Promise<JobRow | undefined> {
    return readJob(this.#ledger, this.id);
  }

  /** The job's row whenever it has changed, until the job has ended. */
  async *progress(): AsyncGenerator<JobRow, void, void> {
    let last = '';
    for (;;) {
      const { status } = await this.#workflow.describe();
      const row = await this.row();
      const now = JSON.stringify(row);
      if (row && now !== last) {
        last = now;
        yield row;
      }
      if (status.name !== 'RUNNING') return;
      await delay(LOOK_EVERY);
    }
  }

  /** Asks the job to end; its `onCancel` runs. @throws {LockkeeperError} USAGE when it has ended already */
  async cancel(): Promise<void> {
    const { status } = await this.#workflow.describe();
    if (status.name !== 'RUNNING') {
      throw new LockkeeperError('USAGE', `job ${this.id} has ended already: ${status.name}`, {
        next: 'There is nothing to cancel',
      });
    }
    await this.#workflow.cancel();
  }

  /** Releases the job from quarantine. @throws {LockkeeperError} USAGE when it is not in quarantine */
  async release(choice: ReleaseChoice): Promise<JobStatus> {
    try {
      return await this.#workflow.executeUpdate<JobStatus, [ReleaseChoice]>(RELEASE_UPDATE, { args: [choice] });
    } catch (error) {
      throw refusalOf(error);
    }
  }
}

const isInLedger = (result: unknown): result is ResultInLedger =>
  typeof result === 'object' && result !== null && 'lockkeeperResultInLedger' in result;

function refuseLargeInput(job: string, input: unknown): void {
  let bytes: number;
  try {
    bytes = Buffer.byteLength(JSON.stringify(input) ?? '');
  } catch (error) {
    throw new LockkeeperError('JOB_INPUT_INVALID', `the input of job ${job} cannot be JSON: ${errorMessage(error)}`, {
      next: 'Keep only plain objects, arrays, strings, numbers, booleans and null in it',
      cause: error,
    });
  }
  if (bytes <= INPUT_LIMIT_BYTES) return;
  throw new LockkeeperError(
    'JOB_INPUT_INVALID',
    `the input of job ${job} has ${bytes} bytes of JSON, at most ${INPUT_LIMIT_BYTES} are possible`,
    { next: 'Put the data where the job can read it, and give it the place: a path, a key, a query' },
  );
}
