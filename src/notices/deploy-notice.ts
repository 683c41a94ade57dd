import { z } from 'zod';

const moment = z.iso.datetime({ offset: true });
const milliseconds = z.number().describe('milliseconds since 1970');

const WaitsFor = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('approval'),
    needed: z.number(),
    by: z.array(z.string()).describe('who has approved'),
    notRequester: z.boolean().describe('whoever asked for it may not approve it'),
    allowed: z.array(z.string()).describe('the only ones who may').optional(),
  }),
  z.object({ kind: z.literal('schedule'), at: milliseconds }),
  z.object({
    kind: z.literal('freeze'),
    reason: z.string(),
    by: z.string().describe('left out: a window of lockkeeper.yaml').optional(),
    since: milliseconds,
    until: milliseconds.optional(),
  }),
  z.object({ kind: z.literal('order'), ahead: z.array(z.string()).describe('deploys, in their order') }),
]);

const Drain = z.object({
  past: z.boolean().describe('the deadline has passed; else it is near'),
  deadline: moment,
  onTimeout: z.enum(['abandon', 'wait', 'abort']),
  taskQueues: z.array(z.string()).describe('where jobs are still at work'),
  participants: z.array(z.string()).describe('where no job is: those who may have said nothing'),
});

/** A deploy as a notice tells of it: as it was when it happened. */
export const NoticeDeploy = z
  .object({
    id: z.string(),
    plan: z.string(),
    version: z.string().optional(),
    requestedBy: z.string(),
    code: z.number().describe('how far it has come'),
    outcome: z.enum(['succeeded', 'failed', 'rolledBack', 'aborted']).optional(),
    by: z.string().describe('who held or withdrew it').optional(),
    said: z.string().describe('why, in the words of the person who held or ended it').optional(),
    step: z
      .object({ n: z.number(), name: z.string(), type: z.string() })
      .describe('the one that stopped it')
      .optional(),
    until: moment.describe('when nobody need decide any more: it is rolled back then').optional(),
    waitsFor: WaitsFor.optional(),
    drain: Drain.optional(),
    reason: z
      .string()
      .describe('why it is held or has not succeeded, in the words of the error; only where `details` is set')
      .optional(),
  })
  .meta({ id: 'NoticeDeploy', description: 'A deploy as a notice tells of it: as it was when it happened.' });
export type NoticeDeploy = z.output<typeof NoticeDeploy>;
