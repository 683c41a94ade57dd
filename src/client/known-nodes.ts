import type { Client } from '@temporalio/client';
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

/**
 * The nodes of a graph that need not run again. The ledger knows what is done for good, and Temporal, for as long as it
 * remembers, whether it was done for this graph: somebody else's job may stand under the id of a node.
 */
export async function knownNodes(
  client: Client,
  ledger: Ledger,
  keyring: Keyring | undefined,
  id: string,
  { nodes }: GraphWorkflowInput,
): Promise<KnownNode[]> {
  const done = await doneJobs(
    ledger,
    nodes.map(({ name }) => nodeId(id, name)),
  );
  const limit = pLimit(AT_ONCE);
  const known = nodes.map((node) =>
    limit(async (): Promise<KnownNode[]> => {
      const job = done.get(nodeId(id, node.name));
      if (job?.name !== node.job || (await isForeign(client, keyring, id, node))) return [];
      return [{ name: node.name, state: 'done', key: job.key }];
    }),
  );
  return (await Promise.all(known)).flat();
}

async function isForeign(
  client: Client,
  keyring: Keyring | undefined,
  id: string,
  { name, job, inputHash }: NodeSpec,
): Promise<boolean> {
  try {
    return !isSameJob(await client.workflow.getHandle(nodeId(id, name)).describe(), job, inputHash, keyring);
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
