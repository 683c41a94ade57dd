import { LockkeeperError } from '../errors.ts';
import type { ResultOfNode } from '../protocol.ts';
import type { AnyJob, InputOf, ResultOf } from './define-job.ts';
import { refuseUnusableName } from './name.ts';

declare const RESULT: unique symbol;

/** The place in an input where the result of a node will be: the type is that of the result. */
export interface NodeResult<R> extends ResultOfNode {
  readonly [RESULT]?: R;
}

/** An input in which any part may be the result of a node. */
export type WithResults<T> =
  T | NodeResult<T> | (T extends object ? { readonly [K in keyof T]: WithResults<T[K]> } : never);

/** What {@link GraphOptions.nodes} returns, once the results are there. */
export type ResolvedResults<T> =
  T extends NodeResult<infer R> ? R : T extends object ? { -readonly [K in keyof T]: ResolvedResults<T[K]> } : T;

/** A node of a graph that is being made. */
export interface GraphNode<R = unknown> {
  readonly name: string;
  /** To be put where another node's input wants it: that node then needs this one. */
  readonly result: NodeResult<R>;
}

export interface NodeOptions {
  /** Nodes that must be done before, besides those whose results it takes: nodes of this graph, or their names. */
  readonly needs?: readonly (GraphNode | string)[];
}

/** A job that takes no input is a node without one. */
export type NodeArguments<I> = undefined extends I
  ? [input?: WithResults<I>, options?: NodeOptions]
  : [input: WithResults<I>, options?: NodeOptions];

/** Takes the nodes of a graph. */
export interface GraphBuilder {
  /**
   * Adds a node: one job, which begins when every node that it needs is done.
   * @example const report = graph.node('report', writeReport, { mirrored: mirror.result }, { needs: [cleanUp] });
   */
  node<D extends AnyJob>(name: string, job: D, ...more: NodeArguments<InputOf<D>>): GraphNode<ResultOf<D>>;
}

export interface GraphOptions<N extends string, I, O> {
  readonly name: N;
  /** Where the graph's own workflow runs; its nodes run on the queues of their jobs. */
  readonly taskQueue: string;
  /** How many of its nodes may run at once; 100 unless said otherwise. */
  readonly maxParallel?: number;
  /** Checks and types the input; throws when it is not one. */
  readonly parseInput?: (value: unknown) => I;
  /**
   * Says which nodes there are. Runs once, in the program that starts the graph: what it finds then is the graph, for good.
   * What it returns, with the results of nodes in it, is the result of the graph.
   */
  nodes(graph: GraphBuilder, input: I): O | Promise<O>;
}

/** A graph that clients can start. */
export interface GraphDefinition<N extends string = string, I = unknown, O = unknown> {
  readonly kind: 'lockkeeper.graph';
  readonly name: N;
  readonly taskQueue: string;
  readonly options: GraphOptions<N, I, O>;
}

/** A definition whose types do not matter to the one who holds it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- input is contravariant: `unknown` would refuse every definition
export type AnyGraph = GraphDefinition<string, any, any>;

export type GraphInputOf<G extends AnyGraph> = Parameters<G['options']['nodes']>[1];
export type GraphResultOf<G extends AnyGraph> = ResolvedResults<Awaited<ReturnType<G['options']['nodes']>>>;

/**
 * Defines a graph: several jobs, of which each begins when those it needs are done. A node that fails stops only what needs
 * it; everything else goes on.
 *
 * @throws {LockkeeperError} DEFINITION_INVALID
 * @example
 * export const nightly = jobGraph({
 *   name: 'nightly',
 *   taskQueue: 'reports',
 *   nodes(graph, { repos }: { repos: string[] }) {
 *     const mirrors = repos.map((url) => graph.node(`mirror ${url}`, mirrorRepo, { url }));
 *     const report = graph.node('report', writeReport, { mirrored: mirrors.map((mirror) => mirror.result) });
 *     return { report: report.result };
 *   },
 * });
 */
export function jobGraph<const N extends string, I, O = void>(
  options: GraphOptions<N, I, O>,
): GraphDefinition<N, I, O> {
  check(options);
  return { kind: 'lockkeeper.graph', name: options.name, taskQueue: options.taskQueue, options };
}

export function isGraphDefinition(value: unknown): value is AnyGraph {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'lockkeeper.graph';
}

function check<N extends string, I, O>(options: GraphOptions<N, I, O>): void {
  const { name, taskQueue, maxParallel } = options;
  const refuse = (what: string, next: string) =>
    new LockkeeperError('DEFINITION_INVALID', `graph ${JSON.stringify(name)}: ${what}`, { next });
  const unusable = refuseUnusableName(name);
  if (unusable) throw refuse('the name is not usable', unusable);
  if (typeof taskQueue !== 'string' || taskQueue === '') throw refuse('it has no task queue', 'Set `taskQueue`');
  if (typeof options.nodes !== 'function') throw refuse('it has no `nodes`', 'Write `nodes(graph, input) { … }`');
  if (maxParallel !== undefined && !(Number.isInteger(maxParallel) && maxParallel > 0))
    throw refuse(`maxParallel is ${maxParallel}`, 'Use a whole number, 1 for one node after the other');
}
