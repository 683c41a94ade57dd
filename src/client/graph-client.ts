import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { AnyGraph, GraphDefinition, GraphInputOf, GraphResultOf } from '../jobs/index.ts';
import { expectEncryption, findEncryption, keyringOf } from '../crypto/encryption.ts';
import type { Encryption } from '../crypto/encryption.ts';
import { keyedHash } from '../crypto/keyed-hash.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { checkJobOwner } from '../jobs/owner.ts';
import type { Ledger } from '../ledger/pool.ts';
import { GraphHandle } from './graph-handle.ts';
import { findGraphs } from './graph-list.ts';
import type { GraphListOptions, GraphRow } from './graph-list.ts';
import { planGraph, withKeyedHashes } from './graph-plan.ts';
import { expectSameGraph, findGraph, startGraphWorkflow } from './graph-start.ts';
import { checkJobId } from './job-input.ts';
import { earlierNodes } from './earlier-nodes.ts';
import { encryptionOf, readingClient } from './reading-client.ts';

export interface GraphStartOptions {
  /**
   * The graph's id, random unless given. Starting the same graph with an equal input again gives the graph that is there, also
   * when it is done; of one that failed or was cancelled it runs again what did not succeed.
   */
  readonly id?: string;
  /** Whom the graph belongs to, and its jobs: a name or a mail address of at most 200 characters. */
  readonly owner?: string;
}

/** A graph that takes no input is started without one. */
export type GraphStartArguments<I> = undefined extends I
  ? [input?: I, options?: GraphStartOptions]
  : [input: I, options?: GraphStartOptions];

/**
 * Starts graphs of jobs and looks after them. A graph may be started at any time, also during a deploy: each of its jobs begins
 * when the gate of its task queue is open.
 * @example
 * const run = await new GraphClient(client, ledger).start(nightly, { repos }, { id: 'nightly-1' });
 * const { report } = await run.result();
 */
export class GraphClient {
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
   * Asks the graph for its nodes and starts it. Returns when Temporal has it, before anything begins.
   * @throws {LockkeeperError} USAGE when its id or owner is none
   * @throws {LockkeeperError} KEYRING_MISSING when it is not said how its inputs are to be encrypted
   * @throws {LockkeeperError} GRAPH_INVALID when its nodes cannot be run: a circle, a name that is not there, none, too many
   * @throws {LockkeeperError} JOB_INPUT_INVALID when the graph or one of its jobs refuses its input
   * @throws {LockkeeperError} GRAPH_EXISTS when the id belongs to something else, or to this graph with other nodes or inputs
   */
  async start<G extends AnyGraph>(
    definition: G,
    ...[input, options = {}]: GraphStartArguments<GraphInputOf<G>>
  ): Promise<GraphHandle<GraphResultOf<G>>> {
    expectEncryption(this.#encryption);
    const id = checkJobId(options.id ?? `${definition.name}-${randomUUID()}`, 'graph');
    const owner = options.owner === undefined ? undefined : checkJobOwner(options.owner);
    const plan = await planGraph(definition, input, id);
    const { taskQueue } = definition;
    const before = await findGraph(this.#client, id);
    if (before) expectSameGraph(before, plan, this.#keyring);
    if (before?.state === 'running' || before?.state === 'done') return this.handle<G>(id);
    const earlier = before && (await earlierNodes(this.#client, this.#ledger, this.#keyring, id, plan.input));
    const planned = withKeyedHashes(plan.input, this.#keyring, earlier?.hashes);
    try {
      await startGraphWorkflow(this.#client, id, taskQueue, {
        hash: keyedHash(this.#keyring, plan.hash),
        input: { ...planned, ...(earlier && { known: earlier.known }), ...(owner !== undefined && { owner }) },
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      // Somebody else has started it in between.
      const there = await findGraph(this.#client, id);
      if (there) expectSameGraph(there, plan, this.#keyring);
    }
    return this.handle<G>(id);
  }

  /**
   * A graph that was started, here or elsewhere.
   * @example const { report } = await graphs.handle<typeof nightly>('nightly-1').result();
   */
  handle<G extends AnyGraph = GraphDefinition>(id: string): GraphHandle<GraphResultOf<G>> {
    return new GraphHandle<GraphResultOf<G>>(this.#client, this.#ledger, this.#keyring, id);
  }

  /**
   * Graphs, latest first.
   * @example const stuck = await graphs.list({ state: 'quarantined', limit: 10 });
   */
  list(options: GraphListOptions = {}): Promise<GraphRow[]> {
    return findGraphs(this.#client, options);
  }
}
