import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { expectEncryption, findEncryption, keyringOf } from '../crypto/encryption.ts';
import type { Encryption } from '../crypto/encryption.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { keyedHash } from '../crypto/keyed-hash.ts';
import { LockkeeperError } from '../errors.ts';
import type { AnyJob, InputOf, JobDefinition, ResultOf } from '../jobs/define-job.ts';
import { checkJobOwner } from '../jobs/owner.ts';
import type { JobRow } from '../ledger/jobs.ts';
import type { Ledger } from '../ledger/pool.ts';
import { JOB_WORKFLOW } from '../protocol.ts';
import { readableMemo } from '../protocol/payloads.ts';
import type { JobWorkflowInput } from '../protocol.ts';
import { JobHandle } from './job-handle.ts';
import { checkJobId, checkedInputHash } from './job-input.ts';
import { findJobs } from './job-list.ts';
import type { ListOptions } from './job-list.ts';
import { nameOf, openTexts } from './job-row.ts';
import { encryptionOf, readingClient } from './reading-client.ts';
import { isSameJob } from './same-job.ts';

export interface StartOptions {
  /**
   * The job's id, random unless given. Starting the same job with an equal input again gives the job that is there, also
   * when it is done; one that failed or was cancelled begins anew.
   */
  readonly id?: string;
  /** Whom the job belongs to, a name or a mail address of at most 200 characters: who is told of what becomes of it. */
  readonly owner?: string;
}

/** A job that takes no input is started without one. */
export type StartArguments<I> = undefined extends I
  ? [input?: I, options?: StartOptions]
  : [input: I, options?: StartOptions];

/**
 * Starts jobs and looks after them. A job may be started at any time, also during a deploy: it begins when the gate of its
 * task queue opens.
 *
 * Without keys it starts nothing, unless it is told that nothing is to be encrypted; it still lists jobs, and cancels and
 * releases them.
 * @throws {LockkeeperError} KEYRING_INVALID
 * @example
 * const job = await new JobClient(client, ledger).start(importCities, { file }, { id: 'import-7' });
 * const { rows } = await job.result();
 */
export class JobClient {
  readonly #client: Client;
  readonly #ledger: Ledger;
  readonly #encryption: Encryption | undefined;
  readonly #keyring: Keyring | undefined;

  /** `encryption`: that of the Client's data converter, or LOCKKEEPER_KEY_FILE or LOCKKEEPER_KEYS, unless given. */
  constructor(client: Client, ledger: Ledger, encryption?: Encryption) {
    this.#encryption = encryption ?? encryptionOf(client) ?? findEncryption();
    this.#client = readingClient(client, this.#encryption);
    this.#ledger = ledger;
    this.#keyring = keyringOf(this.#encryption);
  }

  /**
   * Returns when Temporal has the job, before it begins.
   * @throws {LockkeeperError} JOB_INPUT_INVALID when it is too large, cannot be JSON or is refused by the job's `parseInput`
   * @throws {LockkeeperError} KEYRING_MISSING when it is not said how the input is to be encrypted
   * @throws {LockkeeperError} USAGE when its id or owner is none
   * @throws {LockkeeperError} JOB_EXISTS when the id belongs to another job, or to this one with another input
   */
  async start<D extends AnyJob>(
    definition: D,
    ...[input, options = {}]: StartArguments<InputOf<D>>
  ): Promise<JobHandle<ResultOf<D>>> {
    expectEncryption(this.#encryption);
    const inputHash = checkedInputHash(definition, input);
    const id = checkJobId(options.id ?? `${definition.name}-${randomUUID()}`);
    const owner = options.owner === undefined ? undefined : checkJobOwner(options.owner);
    const args: JobWorkflowInput = {
      job: definition.name,
      input,
      ...(definition.heartbeatTimeoutMs !== undefined && { heartbeatTimeoutMs: definition.heartbeatTimeoutMs }),
      ...(owner !== undefined && { owner }),
    };
    try {
      await this.#client.workflow.start(JOB_WORKFLOW, {
        workflowId: id,
        taskQueue: definition.taskQueue,
        args: [args],
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
        staticSummary: `job ${definition.name}`,
        memo: readableMemo({ job: definition.name, inputHash: keyedHash(this.#keyring, inputHash) }),
        searchAttributes: {
          LockkeeperKind: ['job'],
          LockkeeperState: ['running'],
          ...(owner !== undefined && { LockkeeperOwner: [owner] }),
        },
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await this.#expectSame(id, definition.name, inputHash);
    }
    return this.handle<D>(id);
  }

  /**
   * A job that was started, here or elsewhere.
   * @example const { rows } = await jobs.handle<typeof importCities>('import-7').result();
   */
  handle<D extends AnyJob = JobDefinition>(id: string): JobHandle<ResultOf<D>> {
    return new JobHandle<ResultOf<D>>(this.#client, this.#ledger, id, this.#keyring);
  }

  /**
   * Jobs, latest first: those of the ledger, and the ones that wait for their first slice, as `pending`.
   * @example const stuck = await jobs.list({ state: 'quarantined', name: 'importCities', limit: 10 });
   */
  async list(options: ListOptions = {}): Promise<JobRow[]> {
    const rows = await findJobs(this.#client, this.#ledger, options);
    return rows.map((row) => openTexts(row, this.#keyring));
  }

  /** The job that is there is the one that was asked for. */
  async #expectSame(id: string, job: string, inputHash: string): Promise<void> {
    const there = await this.#client.workflow.getHandle(id).describe();
    const name = nameOf(there);
    if (isSameJob(there, job, inputHash, this.#keyring)) return;
    const what =
      name === undefined
        ? `a workflow ${there.type}`
        : name === job
          ? 'the same job with another input'
          : `job ${name}`;
    throw new LockkeeperError('JOB_EXISTS', `the id ${id} of job ${job} belongs to ${what} already`, {
      next: `Use another id; \`lockkeeper job show ${id}\` shows the one that is there`,
    });
  }
}
