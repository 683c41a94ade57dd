import { GRAPH_LIMIT_BYTES, GRAPH_MAX_PARALLEL } from '../defaults.ts';
import { keyedHash } from '../crypto/keyed-hash.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { LockkeeperError, errorMessage, isLockkeeperError } from '../errors.ts';
import { contentHash } from '../ledger/deploys.ts';
import type { AnyGraph, AnyJob, GraphBuilder, GraphNode, NodeOptions } from '../jobs/index.ts';
import { isJobDefinition } from '../jobs/index.ts';
import { nodesIn, refuseGraph } from '../protocol.ts';
import type { GraphWorkflowInput, NodeSpec, ResultOfNode } from '../protocol.ts';
import { asSent, expectParses } from './job-input.ts';

/** What the workflow of a graph is started with, and the hash by which another content under its id is noticed. */
export interface GraphPlan {
  readonly input: GraphWorkflowInput;
  readonly hash: string;
}

const invalid = (name: string, what: string, next: string, cause?: unknown) =>
  new LockkeeperError('GRAPH_INVALID', `graph ${name} cannot be started: ${what}`, { next, cause });

/**
 * Asks the definition for its nodes, and looks at everything that can be wrong with them.
 * @throws {LockkeeperError} GRAPH_INVALID, JOB_INPUT_INVALID
 */
export async function planGraph(definition: AnyGraph, input: unknown, graphId: string): Promise<GraphPlan> {
  const { name, options } = definition;
  const nodes: NodeSpec[] = [];
  const given = await askForNodes(definition, parsedInput(definition, input), nodes);
  const output = plain(name, given);
  const refused = refuseGraph({ nodes, output }, graphId);
  if (refused !== undefined) throw invalid(name, refused, 'Correct `nodes` where the graph is defined, or its input');
  const plan: GraphWorkflowInput = {
    graph: name,
    nodes,
    maxParallel: options.maxParallel ?? GRAPH_MAX_PARALLEL,
    ...(output !== undefined && { output }),
  };
  refuseLarge(plan);
  return { input: plan, hash: hashOf(plan) };
}

/**
 * The same graph; what stands in the memos of its jobs then tells only holders of the keys which inputs they have. `there`: the
 * hashes of jobs that are at work already, by the name of the node: a worker compares them as they are.
 */
export const withKeyedHashes = (
  input: GraphWorkflowInput,
  keyring: Keyring | undefined,
  there: ReadonlyMap<string, string> = new Map(),
): GraphWorkflowInput => ({
  ...input,
  nodes: input.nodes.map(({ inputHash, ...node }) => ({
    ...node,
    ...(inputHash !== undefined && { inputHash: there.get(node.name) ?? keyedHash(keyring, inputHash) }),
  })),
});

/** A graph that was started, as it was planned. */
export const withPlainHashes = (input: GraphWorkflowInput): GraphWorkflowInput => ({
  ...input,
  nodes: input.nodes.map((node) => ({ ...node, inputHash: contentHash(node.input ?? null) })),
});

/** Where a job runs and how long it is believed may change with the code, and it is the same graph all the same. */
export function hashOf({ graph, nodes, output }: GraphWorkflowInput): string {
  return contentHash({
    graph,
    output,
    nodes: nodes.map(({ name, job, input, needs }) => ({ name, job, input, needs })),
  });
}

function parsedInput({ name, options }: AnyGraph, input: unknown): unknown {
  if (!options.parseInput) return input;
  try {
    return options.parseInput(input);
  } catch (cause) {
    throw new LockkeeperError(
      'JOB_INPUT_INVALID',
      `the input of graph ${name} does not parse: ${errorMessage(cause)}`,
      {
        next: 'Correct it',
        cause,
      },
    );
  }
}

async function askForNodes({ name, options }: AnyGraph, input: unknown, nodes: NodeSpec[]): Promise<unknown> {
  const made = new Set<unknown>();
  const builder: GraphBuilder = {
    node: (...[node, job, nodeInput, more]: Parameters<GraphBuilder['node']>) => {
      nodes.push(specOf(name, node, job, nodeInput, more, made));
      const result: ResultOfNode = { lockkeeperResultOf: node };
      const handle: GraphNode<never> = { name: node, result };
      made.add(handle);
      return handle;
    },
  };
  try {
    return await options.nodes(builder, input);
  } catch (cause) {
    if (isLockkeeperError(cause)) throw cause;
    throw invalid(
      name,
      `its \`nodes\` threw: ${errorMessage(cause).replace(/\.$/, '')}`,
      'Correct it, or the input it is given',
      cause,
    );
  }
}

function specOf(
  graph: string,
  name: string,
  job: AnyJob,
  input: unknown,
  { needs = [] }: NodeOptions = {},
  made: ReadonlySet<unknown>,
): NodeSpec {
  if (!isJobDefinition(job))
    throw invalid(graph, `node \`${name}\` has no job`, 'Give what `defineJob` returns: graph.node(name, job, input)');
  const stranger = needs.find((need) => typeof need !== 'string' && !made.has(need));
  if (stranger !== undefined)
    throw invalid(
      graph,
      `node \`${name}\` needs what is no node of this graph`,
      'Give what `graph.node` returned, or the name of a node',
    );
  const sent = asSent(job, input);
  const taken = takenBy(graph, `the input of node \`${name}\``, sent);
  // What a job says to an input shows only when the results are in it.
  if (taken.length === 0) expectParses(job, sent);
  const named = needs.map((need) => (typeof need === 'string' ? need : need.name));
  return {
    name,
    job: job.name,
    taskQueue: job.taskQueue,
    ...(sent !== undefined && { input: sent }),
    inputHash: contentHash(sent ?? null),
    needs: [...new Set([...named, ...taken])],
    ...(job.heartbeatTimeoutMs !== undefined && { heartbeatTimeoutMs: job.heartbeatTimeoutMs }),
  };
}

function takenBy(graph: string, what: string, sent: unknown): string[] {
  try {
    return nodesIn(sent);
  } catch (cause) {
    throw invalid(graph, `${what} cannot be used: ${errorMessage(cause)}`, 'Make it flatter', cause);
  }
}

/** As it will be read back. */
function plain(graph: string, output: unknown): unknown {
  try {
    const json = JSON.stringify(output);
    return json === undefined ? undefined : (JSON.parse(json) as unknown);
  } catch (cause) {
    throw invalid(
      graph,
      `what its \`nodes\` returns cannot be JSON: ${errorMessage(cause)}`,
      'Return plain values and results of nodes',
      cause,
    );
  }
}

function refuseLarge(plan: GraphWorkflowInput): void {
  const bytes = Buffer.byteLength(JSON.stringify(plan));
  if (bytes <= GRAPH_LIMIT_BYTES) return;
  throw invalid(
    plan.graph,
    `its nodes have ${bytes} bytes of JSON, inputs included; at most ${GRAPH_LIMIT_BYTES} are possible`,
    'Put the data where the jobs can read it, and give them the place: a path, a key, a query',
  );
}
