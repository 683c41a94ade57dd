import { z } from 'zod';
import { named, time } from './shape.ts';
import type { JsonOutput } from './shape.ts';

const OutboxNotice = named('OutboxNotice', 'A notice for one receiver, as the outbox has it.', {
  id: z.string().describe('the same for all receivers'),
  receiver: z.string(),
  event: z.string(),
  subject: z.string().describe('the id of the job or deploy'),
  state: z.enum(['pending', 'delivered', 'failed']).describe('`failed`: given up'),
  attempts: z.number(),
  at: time('when it happened'),
  dueAt: time('when it is tried next'),
  endedAt: time('when it was told, or given up').nullable(),
  error: z.string().describe('what came back the last time').nullable(),
});

export const Outbox = z.object({
  environment: z.string(),
  counts: z
    .object({ pending: z.number(), delivered: z.number().describe('in the last day'), failed: z.number() })
    .describe('also those that are not listed'),
  notices: z.array(OutboxNotice).describe('the latest first'),
});

export const TestedReceivers = z.array(
  z.object({
    receiver: z.string(),
    ok: z.boolean(),
    said: z.string().describe('what it answered').optional(),
    error: z.string().optional(),
  }),
);

export const NOTICE_OUTPUTS: readonly JsonOutput[] = [
  { command: 'notices list', form: 'one', says: 'What is still to be told, and what was given up.', schema: Outbox },
  { command: 'notices test', form: 'one', says: 'What came back from each receiver.', schema: TestedReceivers },
];
