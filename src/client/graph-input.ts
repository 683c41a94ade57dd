import type { Client } from '@temporalio/client';
import { readable } from '../crypto/reading-codec.ts';
import { LockkeeperError } from '../errors.ts';
import { refuseGraph } from '../protocol.ts';
import type { GraphWorkflowInput } from '../protocol.ts';

/**
 * What a run of a graph was started with: it is in its history, and nowhere else.
 * @throws {LockkeeperError} KEY_MISSING, SEAL_BROKEN when it cannot be decrypted here, GRAPH_INVALID when somebody started it by hand, with what is no graph
 */
export async function inputOfGraph(client: Client, workflowId: string, runId: string): Promise<GraphWorkflowInput> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const payloads = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  const { payloadConverter, payloadCodecs } = client.options.loadedDataConverter;
  let decoded = payloads;
  for (const codec of payloadCodecs.toReversed()) decoded = await codec.decode(decoded);
  const input: unknown = readable(
    `what graph ${workflowId} was started with`,
    decoded[0] && payloadConverter.fromPayload(decoded[0]),
  );
  const refused = typeof input === 'object' && input !== null ? refuseGraph(input, workflowId) : 'it has no nodes';
  if (refused === undefined) return input as GraphWorkflowInput;
  throw new LockkeeperError('GRAPH_INVALID', `graph ${workflowId} cannot be run again: ${refused}`, {
    next: 'Start it anew with `lockkeeper graph start`',
  });
}
