import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { isHashOf } from '../crypto/keyed-hash.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { LockkeeperError } from '../errors.ts';
import { GRAPH_WORKFLOW } from '../protocol.ts';
import { readableMemo } from '../protocol/payloads.ts';
import type { GraphPlan } from './graph-plan.ts';
import { isNotFound } from './not-found.ts';

/** What stands under the id of a graph. */
export interface FoundGraph {
  readonly id: string;
  readonly type: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly graph: string | undefined;
  /** Of its content; undefined where it was started by hand. */
  readonly hash: string | undefined;
  readonly nodes: number | undefined;
  readonly taskQueue: string;
  readonly description: WorkflowExecutionDescription;
}

/** Undefined: Temporal has nothing under that id. */
export async function findGraph(client: Client, id: string): Promise<FoundGraph | undefined> {
  let description: WorkflowExecutionDescription;
  try {
    description = await client.workflow.getHandle(id).describe();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  const { memo, type, taskQueue } = description;
  const text = (field: string) => (typeof memo?.[field] === 'string' ? memo[field] : undefined);
  return {
    id,
    type,
    state: stateOf(description.status.name),
    graph: text('graph'),
    hash: text('contentHash'),
    nodes: typeof memo?.['nodes'] === 'number' ? memo['nodes'] : undefined,
    taskQueue,
    description,
  };
}

export function stateOf(status: WorkflowExecutionDescription['status']['name']): FoundGraph['state'] {
  switch (status) {
    case 'RUNNING':
    case 'PAUSED':
    case 'CONTINUED_AS_NEW':
      return 'running';
    case 'COMPLETED':
      return 'done';
    case 'CANCELLED':
      return 'cancelled';
    default:
      return 'failed';
  }
}

/** The graph that is there is the one that was asked for. @throws {LockkeeperError} GRAPH_EXISTS, KEY_MISSING */
export function expectSameGraph(
  there: FoundGraph,
  { input: { graph }, hash }: GraphPlan,
  keyring: Keyring | undefined,
): void {
  const same = there.hash !== undefined && isHashOf(keyring, there.hash, hash);
  if (there.type === GRAPH_WORKFLOW && there.graph === graph && same) return;
  const what =
    there.type !== GRAPH_WORKFLOW
      ? `a workflow ${there.type}`
      : there.graph === graph
        ? 'the same graph with other nodes or inputs'
        : `graph ${there.graph ?? 'that was started by hand'}`;
  throw new LockkeeperError('GRAPH_EXISTS', `the id ${there.id} of graph ${graph} belongs to ${what} already`, {
    next: `Use another id; \`lockkeeper graph show ${there.id}\` shows the one that is there`,
  });
}

/** @throws {WorkflowExecutionAlreadyStartedError} when it runs or is done */
export async function startGraphWorkflow(
  client: Client,
  id: string,
  taskQueue: string,
  plan: GraphPlan,
): Promise<void> {
  const { input, hash } = plan;
  await client.workflow.start(GRAPH_WORKFLOW, {
    workflowId: id,
    taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'FAIL',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    staticSummary: `graph ${input.graph}: ${input.nodes.length} ${input.nodes.length === 1 ? 'node' : 'nodes'}`,
    memo: readableMemo({ graph: input.graph, contentHash: hash, nodes: input.nodes.length }),
    searchAttributes: {
      LockkeeperKind: ['job-graph'],
      LockkeeperState: ['running'],
      LockkeeperProgress: [0],
      ...(input.owner !== undefined && { LockkeeperOwner: [input.owner] }),
    },
  });
}
