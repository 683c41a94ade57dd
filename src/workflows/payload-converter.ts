import { METADATA_ENCODING_KEY, defaultPayloadConverter } from '@temporalio/common';
import { decode } from '@temporalio/common/lib/encoding.js';
import type { Payload, PayloadConverter } from '@temporalio/common';
import { inWorkflowContext, workflowInfo } from '@temporalio/workflow';
import {
  COORDINATOR_WORKFLOW,
  DEPLOY_RUN_WORKFLOW,
  DEPLOY_STEP_WORKFLOW,
  GRAPH_WORKFLOW,
  JOB_WORKFLOW,
} from '../protocol.ts';
import { ENCRYPTED } from '../protocol/payloads.ts';

/** Stands for what could not be decoded; handlers refuse it, as they refuse everything that is not what they expect. */
export interface Undecodable {
  readonly undecodable: string;
}

export const isUndecodable = (value: unknown): value is Undecodable =>
  typeof value === 'object' && value !== null && 'undecodable' in value;

const OURS: readonly string[] = [
  JOB_WORKFLOW,
  GRAPH_WORKFLOW,
  COORDINATOR_WORKFLOW,
  DEPLOY_RUN_WORKFLOW,
  DEPLOY_STEP_WORKFLOW,
];

/**
 * The SDK decodes what a signal or update brings before any handler sees it, and an error there fails the workflow's task, again
 * and again: one payload of another encoding, from anybody's hand, would stop the environment's deploys. The workflows of
 * lockkeeper look at what they are given; those of users, in the same bundle, get the SDK's error as they always did.
 *
 * What is encrypted, and has come here because its worker has no keys, is another matter: a job or graph is not to end for that, it waits
 * for a worker that has them. Deploys are never encrypted, and refuse it like everything that is not for them.
 */
export const payloadConverter: PayloadConverter = {
  toPayload: (value, context, hint) => defaultPayloadConverter.toPayload(value, context, hint),
  fromPayload: (payload, context, hint) => {
    try {
      return defaultPayloadConverter.fromPayload(payload, context, hint);
    } catch (error) {
      if (isOfJobs() && encodingOf(payload) === ENCRYPTED) throw new Error(NO_KEYS, { cause: error });
      const given = context?.type === 'workflow' && inWorkflowContext() && OURS.includes(workflowInfo().workflowType);
      if (!given) throw error;
      return { undecodable: error instanceof Error ? error.message : String(error) } satisfies Undecodable as never;
    }
  },
};

const NO_KEYS =
  'it is encrypted, and this Worker has no keys: it needs lockkeeperPlugin, or `dataConverter: lockkeeperDataConverter({ namespace })`';

const isOfJobs = () => inWorkflowContext() && [JOB_WORKFLOW, GRAPH_WORKFLOW].includes(workflowInfo().workflowType);

const encodingOf = ({ metadata }: Payload) => decode(metadata?.[METADATA_ENCODING_KEY] ?? new Uint8Array());
