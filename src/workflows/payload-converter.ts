import { defaultPayloadConverter } from '@temporalio/common';
import type { PayloadConverter } from '@temporalio/common';
import { inWorkflowContext, workflowInfo } from '@temporalio/workflow';
import {
  COORDINATOR_WORKFLOW,
  DEPLOY_RUN_WORKFLOW,
  DEPLOY_STEP_WORKFLOW,
  GRAPH_WORKFLOW,
  JOB_WORKFLOW,
} from '../protocol.ts';

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
 */
export const payloadConverter: PayloadConverter = {
  toPayload: (value, context, hint) => defaultPayloadConverter.toPayload(value, context, hint),
  fromPayload: (payload, context, hint) => {
    try {
      return defaultPayloadConverter.fromPayload(payload, context, hint);
    } catch (error) {
      const given = context?.type === 'workflow' && inWorkflowContext() && OURS.includes(workflowInfo().workflowType);
      if (!given) throw error;
      return { undecodable: error instanceof Error ? error.message : String(error) } satisfies Undecodable as never;
    }
  },
};
