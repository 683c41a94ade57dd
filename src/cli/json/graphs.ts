import { z } from 'zod';
import { Job } from './jobs.ts';
import { named, time } from './shape.ts';
import type { JsonOutput } from './shape.ts';

const state = z.enum(['running', 'quarantined', 'done', 'failed', 'cancelled']);

export const Graph = named('Graph', 'A graph as Temporal lists it.', {
  id: z.string(),
  name: z.string().describe('of its definition'),
  taskQueue: z.string(),
  state: state.describe('`quarantined`: a node waits for a person, whatever else goes on'),
  nodes: z.number(),
  done: z.number().describe('of its nodes'),
  startedAt: time('when it was started, or last run again'),
  endedAt: time('when it ended').optional(),
});

const Node = named('Node', 'A node of a graph.', {
  name: z.string(),
  job: z.string().describe('the name of its definition'),
  needs: z.array(z.string()),
  state: z
    .enum(['pending', 'running', 'quarantined', 'done', 'failed', 'cancelled', 'skipped'])
    .describe('`skipped`: it never began, because one that it needs failed or the graph was cancelled'),
  reason: z.string().optional(),
});

export const GraphStatus = named('GraphStatus', 'What the workflow of a graph says.', {
  graph: z.string().describe('the name of its definition'),
  phase: state,
  nodes: z.array(Node),
});

export const ShownGraph = z.object({
  id: z.string(),
  row: Graph,
  status: GraphStatus.describe('absent when nobody answers for it').optional(),
  jobs: z.record(z.string(), Job).describe('those that have begun, by the name of the node'),
});

export const GraphStarted = z.object({ id: z.string(), graph: z.string().describe('the name of its definition') });
export const GraphCancelled = z.object({ id: z.string(), cancelRequested: z.literal(true) });
export const GraphRerun = z.object({
  id: z.string(),
  again: z.number().describe('nodes that run again'),
  kept: z.number().describe('nodes that are done and keep their results'),
});
export const GraphEnd = named('GraphEnd', 'How a graph ended.', {
  id: z.string(),
  state: z.enum(['done', 'failed', 'cancelled']),
  result: z.unknown().describe('of `done`').optional(),
  reason: z.string().describe('of `failed` and `cancelled`').optional(),
});

export const GRAPH_OUTPUTS: readonly JsonOutput[] = [
  { command: 'graph start', form: 'line', says: 'The id.', schema: GraphStarted },
  { command: 'graph start --wait', form: 'line', says: 'The end of the graph.', schema: GraphEnd },
  { command: 'graph watch', form: 'line', says: 'The end of the graph.', schema: GraphEnd },
  { command: 'graph list', form: 'one', says: 'The latest first.', schema: z.array(Graph) },
  {
    command: 'graph show',
    form: 'one',
    says: 'What Temporal, its workflow and the ledger say of it.',
    schema: ShownGraph,
  },
  { command: 'graph cancel', form: 'line', says: 'That it was asked to end.', schema: GraphCancelled },
  { command: 'graph rerun', form: 'line', says: 'What runs again.', schema: GraphRerun },
  { command: 'graph rerun --wait', form: 'line', says: 'The end of the graph.', schema: GraphEnd },
];
