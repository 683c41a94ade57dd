import { DefaultFailureConverter } from '@temporalio/common';

/** Sends messages and stacks as payloads, so that they are encrypted like everything else. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
