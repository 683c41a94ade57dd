import { WorkflowFailedError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import pLimit from 'p-limit';
import { isNotFound } from '../client/not-found.ts';
import { isSameJob } from '../client/same-job.ts';
import { errorMessage } from '../errors.ts';
import { keyOfResult } from '../protocol.ts';
import type { KnownNode, NodeEndsInput } from '../protocol.ts';

type AskedNode = NodeEndsInput['nodes'][number];

/** Questions to the server at once. */
const AT_ONCE = 10;

/** For graphs: what has become of nodes that were begun by an earlier run of the graph's workflow. */
export function createGraphActivities({ client }: { readonly client: Client }) {
  return {
    nodeEnds({ nodes }: NodeEndsInput): Promise<KnownNode[]> {
      const limit = pLimit(AT_ONCE);
      return Promise.all(nodes.map((node) => limit(async () => ({ name: node.name, ...(await endOf(client, node)) }))));
    },
  };
}

async function endOf(client: Client, node: AskedNode): Promise<Omit<KnownNode, 'name'>> {
  const handle = client.workflow.getHandle(node.workflowId);
  let found: WorkflowExecutionDescription;
  try {
    found = await handle.describe();
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return { state: 'failed', reason: 'Temporal knows nothing of its workflow any more' };
  }
  if (!isSameJob(found, node.job, node.inputHash))
    return { state: 'failed', reason: `the id ${node.workflowId} belongs to another job` };
  switch (found.status.name) {
    case 'COMPLETED': {
      const firstRunId = found.raw.workflowExecutionInfo?.firstRunId ?? found.runId;
      return { state: 'done', key: keyOfResult(await handle.result(), firstRunId) };
    }
    case 'CANCELLED':
      return { state: 'cancelled', reason: 'it was cancelled' };
    case 'FAILED':
    case 'TERMINATED':
    case 'TIMED_OUT':
      return { state: 'failed', reason: await reasonOf(() => handle.result()) };
    default:
      return { state: isQuarantined(found) ? 'quarantined' : 'running' };
  }
}

const isQuarantined = ({ typedSearchAttributes }: WorkflowExecutionDescription): boolean =>
  typedSearchAttributes.getAll().some(({ key, value }) => key.name === 'LockkeeperState' && value === 'quarantined');

async function reasonOf(result: () => Promise<unknown>): Promise<string> {
  try {
    await result();
  } catch (error) {
    if (error instanceof WorkflowFailedError) return errorMessage(error.cause ?? error);
    throw error;
  }
  return 'its workflow was run again';
}
