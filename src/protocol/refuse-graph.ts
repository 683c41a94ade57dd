import { GRAPH_NODES } from '../defaults.ts';
import { didYouMean } from '../did-you-mean.ts';
import { DEEPEST_INPUT, nodesIn } from './results.ts';
import { nodeId } from './graphs.ts';
import type { NodeSpec } from './graphs.ts';
import { isOfDeploys } from './payloads.ts';

/** Bytes of a node's name: it is part of an id, and of what people read. */
const LONGEST_NODE_NAME = 200;
/** Temporal takes no longer id of a workflow or name of a task queue, bytes. */
const LONGEST_ID = 1_000;

const quoted = (name: string) => `\`${name}\``;
const bytes = (text: string) => new TextEncoder().encode(text).length;

/**
 * Why nodes cannot be a graph; undefined if they can. A graph may be started by anybody's hand: nothing of its shape is
 * certain. Pure.
 */
export function refuseGraph(graph: { nodes?: unknown; output?: unknown }, graphId: string): string | undefined {
  // They would be readable, and one of them could stand where the lock of a deploy is.
  if (isOfDeploys(nodeId(graphId, '')))
    return `its jobs would stand among the workflows of deploys: the id of a graph is not ${quoted(graphId)}`;
  const { nodes: given, output } = graph;
  if (!Array.isArray(given)) return 'its nodes are no list';
  if (given.length === 0) return 'it has no nodes';
  if (given.length > GRAPH_NODES) return `it has ${given.length} nodes, at most ${GRAPH_NODES} are possible`;
  for (const [n, node] of given.entries()) {
    const wrong = refuseShape(node) ?? refuseName((node as NodeSpec).name, graphId);
    if (wrong !== undefined) return `${nameOf(node) ?? `node ${n + 1}`}: ${wrong}`;
  }
  const nodes = given as readonly NodeSpec[];
  return refuseSameNames(nodes) ?? refuseNeeds(nodes) ?? refuseCycle(nodes) ?? refuseOutput(output, nodes);
}

function nameOf(node: unknown): string | undefined {
  const name: unknown = typeof node === 'object' && node !== null && 'name' in node ? node.name : undefined;
  return typeof name === 'string' ? `node ${JSON.stringify(name.slice(0, LONGEST_NODE_NAME))}` : undefined;
}

function refuseShape(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null) return `it is ${JSON.stringify(node)}, not a node`;
  const {
    name,
    job,
    taskQueue,
    needs,
    inputHash,
    heartbeatTimeoutMs: heartbeat,
  } = node as Record<keyof NodeSpec, unknown>;
  if (typeof name !== 'string') return 'it has no name';
  if (typeof job !== 'string' || job === '') return 'it has no job';
  if (typeof taskQueue !== 'string' || taskQueue === '' || bytes(taskQueue) > LONGEST_ID) return 'it has no task queue';
  if (!Array.isArray(needs) || needs.some((need) => typeof need !== 'string'))
    return '`needs` is not a list of names of nodes';
  if (inputHash !== undefined && typeof inputHash !== 'string') return '`inputHash` is not a string';
  if (heartbeat !== undefined && !(typeof heartbeat === 'number' && Number.isInteger(heartbeat) && heartbeat > 0))
    return '`heartbeatTimeoutMs` is not a whole number of milliseconds';
  return undefined;
}

function refuseName(name: string, graphId: string): string | undefined {
  if (name.trim() === '') return 'its name is empty';
  if (name !== name.trim()) return 'its name begins or ends with a space';
  if (/\p{Cc}/u.test(name) || !name.isWellFormed()) return 'its name has control characters or half characters in it';
  if (bytes(name) > LONGEST_NODE_NAME)
    return `its name has ${bytes(name)} bytes, at most ${LONGEST_NODE_NAME} are possible`;
  const left = LONGEST_ID - bytes(graphId) - 1;
  return bytes(name) > left
    ? `its name and the id of the graph are too long together by ${bytes(name) - left} bytes`
    : undefined;
}

function refuseSameNames(nodes: readonly NodeSpec[]): string | undefined {
  const seen = new Set<string>();
  for (const { name } of nodes) {
    if (seen.has(name)) return `two nodes are named ${quoted(name)}`;
    seen.add(name);
  }
  return undefined;
}

function refuseNeeds(nodes: readonly NodeSpec[]): string | undefined {
  const known = new Set(nodes.map(({ name }) => name));
  for (const { name, needs, input } of nodes) {
    const unknown = needs.find((need) => !known.has(need));
    if (unknown !== undefined) return `node ${quoted(name)} needs ${quoted(unknown)}, ${notThere(unknown, known)}`;
    const taken = takenBy(input);
    if (taken === undefined) return `the input of node ${quoted(name)} is nested deeper than ${DEEPEST_INPUT}`;
    const unneeded = taken.find((node) => !needs.includes(node));
    if (unneeded !== undefined)
      return `node ${quoted(name)} takes the result of ${quoted(unneeded)} and does not need it`;
  }
  return undefined;
}

function refuseOutput(output: unknown, nodes: readonly NodeSpec[]): string | undefined {
  const known = new Set(nodes.map(({ name }) => name));
  const taken = takenBy(output);
  if (taken === undefined) return `what it gives is nested deeper than ${DEEPEST_INPUT}`;
  const unknown = taken.find((node) => !known.has(node));
  return unknown === undefined ? undefined : `it gives the result of ${quoted(unknown)}, ${notThere(unknown, known)}`;
}

function notThere(name: string, known: Iterable<string>): string {
  const meant = didYouMean(name, known);
  return `which is not there${meant === undefined ? '' : `; did you mean ${quoted(meant)}?`}`;
}

/** Undefined: it is nested too deep to be looked into. */
function takenBy(value: unknown): string[] | undefined {
  try {
    return nodesIn(value);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Takes away what needs nothing that is left, again and again; what stays goes round. */
function refuseCycle(nodes: readonly NodeSpec[]): string | undefined {
  const left = new Map(nodes.map(({ name, needs }) => [name, new Set(needs)]));
  const neededBy = new Map<string, string[]>();
  for (const { name, needs } of nodes)
    for (const need of new Set(needs)) neededBy.set(need, [...(neededBy.get(need) ?? []), name]);
  const free = nodes.filter(({ needs }) => needs.length === 0).map(({ name }) => name);
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    left.delete(name);
    for (const other of neededBy.get(name) ?? []) {
      const needs = left.get(other)!;
      needs.delete(name);
      if (needs.size === 0) free.push(other);
    }
  }
  const [begin] = left.keys();
  return begin === undefined
    ? undefined
    : `its nodes need each other in a circle: ${circle(left, begin).map(quoted).join(' needs ')}`;
}

/** Every node that is left needs another one that is left: whoever follows them comes round. */
function circle(left: ReadonlyMap<string, ReadonlySet<string>>, begin: string): string[] {
  const way = [begin];
  for (;;) {
    const [next] = left.get(way.at(-1)!)!;
    const before = way.indexOf(next!);
    way.push(next!);
    if (before >= 0) return way.slice(before);
  }
}
