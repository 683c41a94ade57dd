import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import pLimit from 'p-limit';
import type { Keyring } from '../crypto/keyring.ts';
import { doneJobs } from '../ledger/jobs.ts';
import type { Ledger } from '../ledger/pool.ts';
import { nodeId } from '../protocol.ts';
import type { GraphWorkflowInput, KnownNode, NodeSpec } from '../protocol.ts';
import { isNotFound } from './not-found.ts';
import { isSameJob } from './same-job.ts';

/** Questions to the server at once. */
const AT_ONCE = 10;

/** What there is of a graph from earlier runs. */
export interface EarlierNodes {
  /** Those that need not run again. */
  readonly known: readonly KnownNode[];
  /** Hashes of inputs, by the name of the node, of those at work: as they stand there, perhaps by an earlier key. */
  readonly hashes: ReadonlyMap<string, string>;
}

/**
 * The nodes of a graph that are done or at work. The ledger knows what is done for good, and Temporal, for as long as it
 * remembers, whether it was done for this graph: somebody else's job may stand under the id of a node.
 */
export async function earlierNodes(
  client: Client,
  ledger: Ledger,
  keyring: Keyring | undefined,
  id: string,
  { nodes }: GraphWorkflowInput,
): Promise<EarlierNodes> {
  const done = await doneJobs(
    ledger,
    nodes.map(({ name }) => nodeId(id, name)),
  );
  const known: KnownNode[] = [];
  const hashes = new Map<string, string>();
  const limit = pLimit(AT_ONCE);
  const look = async ({ name, job, inputHash }: NodeSpec) => {
    const there = await describe(client, nodeId(id, name));
    const result = done.get(nodeId(id, name));
    const runs = there?.status.name === 'RUNNING';
    // What has failed begins anew, whatever it was, and by whichever key.
    if (result?.name !== job && !runs) return;
    if (there && !isSameJob(there, job, inputHash, keyring)) return;
    if (result?.name === job) known.push({ name, state: 'done', key: result.key });
    const hash = there?.memo?.['inputHash'];
    if (runs && typeof hash === 'string') hashes.set(name, hash);
  };
  await Promise.all(nodes.map((node) => limit(look, node)));
  return { known, hashes };
}

async function describe(client: Client, workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
