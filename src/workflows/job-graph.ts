import { ApplicationFailure, CancelledFailure, workflowInfo } from '@temporalio/workflow';
import { isKnownNode, refuseGraph } from '../protocol.ts';
import type { GraphResult, GraphWorkflowInput } from '../protocol.ts';
import { checkInput } from './check-input.ts';
import { failureSummary } from './graph-progress.ts';
import { GraphRun } from './graph-run.ts';

/** Runs the jobs of a graph, each when those it needs are done, until nothing more can begin. */
export async function jobGraph(input: GraphWorkflowInput): Promise<GraphResult> {
  checkInput(input, { graph: 'string', nodes: 'object' });
  expectGraph(input);
  const run = new GraphRun(input);
  const ended = await run.run();
  if (ended === 'long') return run.goOnAsNew();
  if (ended === 'cancelled') throw new CancelledFailure('the graph was cancelled');
  if (ended === 'done') return run.result();
  throw ApplicationFailure.nonRetryable(
    failureSummary(run.progress, workflowInfo().workflowId),
    'GRAPH_FAILED',
    run.status(),
  );
}

/** @throws {ApplicationFailure} GRAPH_INVALID */
function expectGraph(input: GraphWorkflowInput): void {
  const refused = refuseGraph(input, workflowInfo().workflowId) ?? refuseRest(input);
  if (refused !== undefined)
    throw ApplicationFailure.nonRetryable(
      `graph ${input.graph.slice(0, 100)} cannot be run: ${refused}`,
      'GRAPH_INVALID',
    );
}

function refuseRest({
  maxParallel,
  owner,
  known,
}: { readonly [K in keyof GraphWorkflowInput]?: unknown }): string | undefined {
  if (
    maxParallel !== undefined &&
    !(typeof maxParallel === 'number' && Number.isInteger(maxParallel) && maxParallel > 0)
  )
    return '`maxParallel` is not a whole number above 0';
  if (owner !== undefined && typeof owner !== 'string') return '`owner` is not a string';
  const list = known === undefined || (Array.isArray(known) && known.every(isKnownNode));
  return list ? undefined : '`known` is not what is known of nodes';
}
