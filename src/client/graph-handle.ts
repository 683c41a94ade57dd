import type { Client } from '@temporalio/client';
import { LockkeeperError } from '../errors.ts';
import { keyedHash } from '../crypto/keyed-hash.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { readable } from '../crypto/reading-codec.ts';
import { savedResult } from '../jobs/saved-result.ts';
import type { Ledger } from '../ledger/pool.ts';
import { newestJobs } from '../ledger/jobs.ts';
import type { JobRow } from '../ledger/jobs.ts';
import { GRAPH_STATUS_QUERY, GRAPH_WORKFLOW, nodeId, withResults } from '../protocol.ts';
import type { GraphResult, GraphStatus } from '../protocol.ts';
import { isDeadlineExceeded } from './asking.ts';
import { inputOfGraph } from './graph-input.ts';
import { rowOf } from './graph-list.ts';
import type { GraphRow } from './graph-list.ts';
import { hashOf, withKeyedHashes, withPlainHashes } from './graph-plan.ts';
import { findGraph, startGraphWorkflow } from './graph-start.ts';
import type { FoundGraph } from './graph-start.ts';
import { isNotFound } from './not-found.ts';
import { earlierNodes } from './earlier-nodes.ts';
import { pause } from './pause.ts';

/** How often {@link GraphHandle.progress} looks, milliseconds. */
const LOOK_EVERY = 500;
/** … and how long it waits for an answer: a workflow answers only while some worker serves its queue. */
const ANSWER_WITHIN = 3_000;

/** Nodes of a graph that is run again. */
export interface GraphRerun {
  /** How many begin anew. */
  readonly again: number;
  /** How many are done, and keep their results. */
  readonly kept: number;
}

/** One graph that was started, by its id; whether there is such a graph shows when it is asked something. */
export class GraphHandle<R = unknown> {
  readonly id: string;
  readonly #client: Client;
  readonly #ledger: Ledger;
  readonly #keyring: Keyring | undefined;

  constructor(client: Client, ledger: Ledger, keyring: Keyring | undefined, id: string) {
    this.#client = client;
    this.#ledger = ledger;
    this.#keyring = keyring;
    this.id = id;
  }

  /**
   * Waits for the graph's end and gives what its `nodes` returned, results filled in. Throws Temporal's `WorkflowFailedError`
   * when a node failed or the graph was cancelled; its `cause` says which, and what to do.
   * @throws {LockkeeperError} GRAPH_NOT_FOUND; KEY_MISSING, SEAL_BROKEN when it cannot be decrypted here
   */
  async result(): Promise<R> {
    const answer: unknown = await this.#ask(() => this.#client.workflow.getHandle(this.id).result());
    const { output, results: keys = {} } = readable(`the result of graph ${this.id}`, answer) as GraphResult;
    const results = new Map<string, unknown>();
    for (const [node, key] of Object.entries(keys)) {
      const saved = await savedResult(this.#ledger, this.#keyring, key);
      if (!saved)
        throw new LockkeeperError(
          'GRAPH_NOT_FOUND',
          `the result of node \`${node}\` of graph ${this.id} is not in the ledger any more`,
        );
      results.set(node, saved.value);
    }
    return withResults(output, results) as R;
  }

  /** What the graph's workflow says of each node; some worker must serve its queue. @throws {LockkeeperError} GRAPH_NOT_FOUND, KEY_MISSING */
  async status(): Promise<GraphStatus> {
    await this.#find();
    const handle = this.#client.workflow.getHandle(this.id);
    return readable(
      `what the workflow of graph ${this.id} says`,
      await this.#ask(() => handle.query<GraphStatus>(GRAPH_STATUS_QUERY)),
    );
  }

  /** What Temporal says of it, whether workers run or not. @throws {LockkeeperError} GRAPH_NOT_FOUND */
  async describe(): Promise<GraphRow> {
    return rowOf((await this.#find()).description);
  }

  /** The jobs of its nodes that have begun, by the name of the node, as the ledger knows them. */
  async jobs(nodes: readonly string[]): Promise<Map<string, JobRow>> {
    const names = new Map(nodes.map((name) => [nodeId(this.id, name), name]));
    const rows = await newestJobs(this.#ledger, [...names.keys()]);
    return new Map(rows.map((row) => [names.get(row.workflowId)!, row]));
  }

  /**
   * The graph's {@link status} whenever it has changed, looked at twice a second, until the graph has ended or `signal` fires.
   * While no worker serves its queue there is no news.
   * @throws {LockkeeperError} GRAPH_NOT_FOUND
   * @example for await (const { phase, nodes } of run.progress()) console.log(phase, nodes.filter((n) => n.state === 'done').length);
   */
  async *progress(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<GraphStatus, void, void> {
    let last = '';
    while (!options.signal?.aborted) {
      const { state } = await this.#find();
      const status = await this.#statusIfAnswered();
      const now = JSON.stringify(status);
      if (status && now !== last) {
        last = now;
        yield status;
      }
      if (state !== 'running') return;
      await pause(LOOK_EVERY, options.signal);
    }
  }

  /**
   * Asks the graph to end: its running jobs are cancelled and their `onCancel` runs, the others never begin. Then
   * {@link result} throws.
   * @throws {LockkeeperError} GRAPH_NOT_FOUND, USAGE when it has ended already
   */
  async cancel(): Promise<void> {
    const { state } = await this.#find();
    if (state !== 'running') {
      throw new LockkeeperError('USAGE', `graph ${this.id} has ended already: ${state}`, {
        next: 'There is nothing to cancel',
      });
    }
    await this.#ask(() => this.#client.workflow.getHandle(this.id).cancel());
  }

  /**
   * Runs again what did not succeed in a graph that has ended: nodes that failed, were cancelled or never began. What is done
   * keeps its result and does not run again.
   * @throws {LockkeeperError} GRAPH_NOT_FOUND, USAGE when it runs, or when everything is done
   */
  async rerun(): Promise<GraphRerun> {
    const { state, taskQueue, description } = await this.#find();
    if (state === 'running' || state === 'done') {
      throw new LockkeeperError('USAGE', `graph ${this.id} ${state === 'done' ? 'is done' : 'is running'}`, {
        next:
          state === 'done'
            ? 'There is nothing to run again; to do all of it anew, start it under another id'
            : `Wait for its end (\`lockkeeper graph watch ${this.id}\`) or cancel it`,
      });
    }
    const input = await inputOfGraph(this.#client, this.id, description.runId);
    // Hashes of the run before may be by a key that is no longer the current one.
    const plain = withPlainHashes(input);
    const { known, hashes } = await earlierNodes(this.#client, this.#ledger, this.#keyring, this.id, plain);
    await startGraphWorkflow(this.#client, this.id, taskQueue, {
      input: { ...withKeyedHashes(plain, this.#keyring, hashes), known },
      hash: keyedHash(this.#keyring, hashOf(input)),
    });
    return { again: input.nodes.length - known.length, kept: known.length };
  }

  async #statusIfAnswered(): Promise<GraphStatus | undefined> {
    try {
      return await this.#client.withDeadline(Date.now() + ANSWER_WITHIN, () => this.status());
    } catch (error) {
      if (isDeadlineExceeded(error)) return undefined;
      throw error;
    }
  }

  async #find(): Promise<FoundGraph> {
    const found = await findGraph(this.#client, this.id);
    if (found?.type === GRAPH_WORKFLOW) return found;
    throw notFound(this.id, found?.type);
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw isNotFound(error) ? notFound(this.id, undefined, error) : error;
    }
  }
}

const notFound = (id: string, type: string | undefined, cause?: unknown) =>
  new LockkeeperError(
    'GRAPH_NOT_FOUND',
    `there is no graph ${id}${type === undefined ? '' : `: it is a workflow ${type}`}`,
    {
      next: type === 'job' ? `It is a job: \`lockkeeper job show ${id}\`` : 'See `lockkeeper graph list`',
      cause,
    },
  );
