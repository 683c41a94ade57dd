import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
  getExternalWorkflowHandle,
  log,
  proxyActivities,
  startChild,
} from '@temporalio/workflow';
import { JOB_WORKFLOW, isKnownNode, keyOfResult, nodeId } from '../protocol.ts';
import { readableMemo } from '../protocol/payloads.ts';
import type { JobWorkflowInput, KnownNode, NodeEndsInput, NodeSpec } from '../protocol.ts';

/** Characters of a reason that a graph keeps. */
const LONGEST_REASON = 300;

const { nodeEnds } = proxyActivities<{ nodeEnds(input: NodeEndsInput): Promise<KnownNode[]> }>({
  startToCloseTimeout: '1 minute',
  allowEagerDispatch: false,
  summary: 'nodes begun by an earlier run',
});

export interface NodeRun {
  readonly graphId: string;
  readonly node: NodeSpec;
  /** Of those nodes that its input has places for. */
  readonly results: Readonly<Record<string, string>>;
  readonly owner: string | undefined;
  /** The server has answered: from here on it has its workflow, whoever began it. */
  readonly onStarted: () => void;
}

/** Runs a node's job to its end. `alreadyThere`: one of its id runs, or is done, and others know how it ends. */
export async function runNode(run: NodeRun): Promise<Omit<KnownNode, 'name'> | 'alreadyThere'> {
  const { graphId, node, results, owner, onStarted } = run;
  const args: JobWorkflowInput = {
    job: node.job,
    input: node.input,
    node: node.name,
    ...(Object.keys(results).length > 0 && { results }),
    ...(node.heartbeatTimeoutMs !== undefined && { heartbeatTimeoutMs: node.heartbeatTimeoutMs }),
    ...(owner !== undefined && { owner }),
  };
  try {
    const child = await startChild(JOB_WORKFLOW, {
      workflowId: nodeId(graphId, node.name),
      taskQueue: node.taskQueue,
      args: [args],
      // What is done is not done again; what has failed begins anew.
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      // A graph that is terminated, or continued as new, takes no work away from anybody.
      parentClosePolicy: 'ABANDON',
      staticSummary: `job ${node.job}, node ${node.name} of ${graphId}`,
      memo: readableMemo({ job: node.job, ...(node.inputHash !== undefined && { inputHash: node.inputHash }) }),
      searchAttributes: {
        LockkeeperKind: ['job'],
        LockkeeperState: ['running'],
        ...(owner !== undefined && { LockkeeperOwner: [owner] }),
      },
    }).finally(onStarted);
    return { state: 'done', key: keyOfResult(await child.result(), child.firstExecutionRunId) };
  } catch (error) {
    return error instanceof WorkflowExecutionAlreadyStartedError ? 'alreadyThere' : endOf(error);
  }
}

function endOf(error: unknown): Omit<KnownNode, 'name'> {
  const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
  if (cause instanceof CancelledFailure) return { state: 'cancelled', reason: 'it was cancelled' };
  if (cause instanceof TerminatedFailure) return { state: 'failed', reason: 'its workflow was terminated' };
  return { state: 'failed', reason: wordsOf(cause).slice(0, LONGEST_REASON) };
}

/** What the job's own code threw, without what has carried it here. */
function wordsOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof ApplicationFailure) return at.message;
  return error instanceof Error ? error.message : String(error);
}

/** Asks a node to end, whoever began it. One that has ended already is not there to hear it. */
export async function cancelNode(graphId: string, name: string): Promise<void> {
  const cancel = () => getExternalWorkflowHandle(nodeId(graphId, name)).cancel();
  // The scope from which this is called has been cancelled itself.
  await CancellationScope.nonCancellable(cancel).catch((error: unknown) =>
    log.debug('a node was not there to be cancelled', { name, error: String(error) }),
  );
}

/** What has become of nodes that this run did not begin. Whatever somebody made of the activity by hand is no news. */
export async function askForEnds(graphId: string, nodes: readonly NodeSpec[]): Promise<readonly KnownNode[]> {
  const asked = nodes.map(({ name, job, inputHash }) => ({
    name,
    workflowId: nodeId(graphId, name),
    job,
    ...(inputHash !== undefined && { inputHash }),
  }));
  try {
    const ends: unknown = await nodeEnds({ nodes: asked });
    return Array.isArray(ends) ? ends.filter(isKnownNode) : [];
  } catch (error) {
    if (error instanceof ActivityFailure) return [];
    throw error;
  }
}
