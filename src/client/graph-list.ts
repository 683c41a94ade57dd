import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { GraphPhase } from '../protocol.ts';
import { stateOf } from './graph-start.ts';
import { quoted } from './visibility.ts';

/** Graphs in a list unless asked otherwise. */
const LIST_LIMIT = 50;

export interface GraphListOptions {
  readonly state?: GraphPhase;
  /** The name of the graph's definition. */
  readonly name?: string;
  readonly owner?: string;
  /** 50 unless said otherwise. */
  readonly limit?: number;
}

/** A graph as Temporal's list has it, whether workers run or not. */
export interface GraphRow {
  readonly id: string;
  /** Of its definition. */
  readonly name: string;
  readonly taskQueue: string;
  readonly state: GraphPhase;
  readonly nodes: number;
  /** Nodes that are done. */
  readonly done: number;
  readonly startedAt: Date;
  readonly endedAt?: Date;
}

/** Latest first. A graph is listed for as long as Temporal remembers it: the retention of its namespace. */
export async function findGraphs(client: Client, options: GraphListOptions): Promise<GraphRow[]> {
  const { state, name, owner, limit = LIST_LIMIT } = options;
  const found = new Map<string, GraphRow>();
  const query = `LockkeeperKind = 'job-graph'${owner === undefined ? '' : ` and LockkeeperOwner = ${quoted(owner)}`}`;
  for await (const workflow of client.workflow.list({ query })) {
    if (found.size === limit) break;
    // Of a graph that was run again the latest run counts.
    if (found.has(workflow.workflowId)) continue;
    const row = rowOf(workflow);
    if ((state === undefined || row.state === state) && (name === undefined || row.name === name))
      found.set(row.id, row);
  }
  return [...found.values()];
}

type Listed = Pick<
  WorkflowExecutionInfo,
  'workflowId' | 'type' | 'taskQueue' | 'memo' | 'startTime' | 'closeTime' | 'status' | 'typedSearchAttributes'
>;

/** Of a workflow that was listed or described. */
export function rowOf(workflow: Listed): GraphRow {
  const { workflowId, type, taskQueue, memo, startTime, closeTime } = workflow;
  const attributes = new Map(
    workflow.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value as unknown]),
  );
  const nodes = typeof memo?.['nodes'] === 'number' ? memo['nodes'] : 0;
  const share = attributes.get('LockkeeperProgress');
  const state = stateOf(workflow.status.name);
  return {
    id: workflowId,
    name: typeof memo?.['graph'] === 'string' ? memo['graph'] : type,
    taskQueue,
    state: state === 'running' && attributes.get('LockkeeperState') === 'quarantined' ? 'quarantined' : state,
    nodes,
    done: typeof share === 'number' ? Math.round(share * nodes) : 0,
    startedAt: startTime,
    ...(closeTime && { endedAt: closeTime }),
  };
}
