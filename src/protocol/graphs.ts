import type { JobPhase } from './jobs.ts';

/** Graphs of jobs: their workflow, what its nodes tell it, and what it tells. */

/** The workflow type that runs one graph. */
export const GRAPH_WORKFLOW = 'jobGraph';
/** The activity type that looks at nodes of which the graph's workflow hears nothing by itself. */
export const NODE_ENDS_ACTIVITY = 'nodeEnds';
export const GRAPH_STATUS_QUERY = 'status';
/** From the job of a node to its graph: it waits for a person, or does so no longer. */
export const NODE_PHASE_SIGNAL = 'nodePhase';

/** A node of a graph: one job, with its input and the nodes that must be done before. */
export interface NodeSpec {
  readonly name: string;
  readonly job: string;
  readonly taskQueue: string;
  /** May hold results of needed nodes, as {@link ResultOfNode}. */
  readonly input?: unknown;
  /** Of the input: the id of a node stands for one input. */
  readonly inputHash?: string;
  readonly needs: readonly string[];
  readonly heartbeatTimeoutMs?: number;
}

/** Stands in an input for the result of a node; whoever runs the job puts it there. */
export interface ResultOfNode {
  readonly lockkeeperResultOf: string;
}

export interface GraphWorkflowInput {
  readonly graph: string;
  readonly nodes: readonly NodeSpec[];
  /** What the graph gives, with results of nodes in it. */
  readonly output?: unknown;
  /** How many nodes may run at once. */
  readonly maxParallel?: number;
  readonly owner?: string;
  /** What is known of nodes from before: by continue-as-new, or when a graph that has failed is run again. */
  readonly known?: readonly KnownNode[];
}

export const NODE_STATES = ['pending', 'running', 'quarantined', 'done', 'failed', 'cancelled', 'skipped'] as const;
/** `skipped`: it never began, because one that it needs failed or the graph was cancelled. */
export type NodeState = (typeof NODE_STATES)[number];

export interface KnownNode {
  readonly name: string;
  readonly state: NodeState;
  /** Of its job in the ledger, where its result is. */
  readonly key?: string;
  readonly reason?: string;
}

export type GraphPhase = 'running' | 'quarantined' | 'done' | 'failed' | 'cancelled';

export interface NodeStatus extends KnownNode {
  readonly job: string;
  readonly needs: readonly string[];
}

export interface GraphStatus {
  readonly graph: string;
  /** `quarantined`: a node waits for a person, whatever else goes on. */
  readonly phase: GraphPhase;
  readonly nodes: readonly NodeStatus[];
}

/** What the workflow of a graph ends with. */
export interface GraphResult {
  /** With places for the results of nodes. */
  readonly output?: unknown;
  /** Those nodes, with the keys of their jobs in the ledger. */
  readonly results?: Readonly<Record<string, string>>;
}

export interface NodePhaseSignal {
  readonly node: string;
  readonly phase: JobPhase;
  readonly reason?: string;
}

/** Asks what has become of jobs. */
export interface NodeEndsInput {
  readonly nodes: readonly {
    readonly name: string;
    readonly workflowId: string;
    readonly job: string;
    readonly inputHash?: string;
  }[];
}

/** What is known of a node, from whoever tells it. A node that is done has the key of its result. */
export const isKnownNode = (given: unknown): given is KnownNode => {
  const { name, state, key } = (typeof given === 'object' && given !== null ? given : {}) as Record<
    keyof KnownNode,
    unknown
  >;
  const known = typeof name === 'string' && NODE_STATES.some((one) => one === state);
  return known && (state !== 'done' || typeof key === 'string');
};

/** The id of the workflow that runs a node's job. */
export const nodeId = (graphId: string, node: string): string => `${graphId}/${node}`;
