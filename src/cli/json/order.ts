import { z } from 'zod';
import { named } from './shape.ts';
import type { JsonOutput } from './shape.ts';

export const outcome = z.enum(['succeeded', 'failed', 'rolledBack', 'aborted']);
export const code = z.number().describe('how far it has come, from 100 to 900; it only grows');

const waitsFor = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('approval'),
      needed: z.number().describe('how many people must approve it'),
      by: z.array(z.string()).describe('who has, and counts'),
      notRequester: z.boolean().describe('the one who asked for it does not count'),
      allowed: z.array(z.string()).describe('the only ones who may').optional(),
    }),
    z.object({ kind: z.literal('schedule'), at: z.number().describe('milliseconds since 1970') }),
  ])
  .describe('why it takes no part in the order yet');

export const Freeze = named('Freeze', 'No deploy is given the lock. Times are milliseconds since 1970.', {
  reason: z.string(),
  by: z.string().describe('absent: a window of lockkeeper.yaml').optional(),
  since: z.number(),
  until: z.number().describe('absent: until somebody ends it').optional(),
});

export const waitsFields = {
  ahead: z.array(z.string()).describe('deploys that run before it; none while it takes no part in the order'),
  waitsFor: waitsFor.optional(),
  freeze: Freeze.describe('no deploy is given the lock, this one neither').optional(),
};

const queuedFields = {
  deploy: z.string(),
  approvalOrder: z.number().describe('its place in the order; absent while it is not approved').optional(),
  expeditedOrder: z.number().describe('before all that are not expedited').optional(),
  throughFreeze: z.boolean().describe('a freeze does not hold it').optional(),
  waitsFor: waitsFor.optional(),
};

export const Ticket = named('Ticket', 'How a deploy stands after a request, or a word about it.', {
  ...queuedFields,
  code,
  outcome: outcome.describe('there when the same was asked for before, and has ended').optional(),
  reason: z.string().describe('why it ended so').optional(),
});

export const Frozen = z.object({
  environment: z.string(),
  freeze: Freeze.describe('absent: nothing freezes deploys now').optional(),
  changed: z.boolean().describe('false: it was so already'),
});

export const ORDER_OUTPUTS: readonly JsonOutput[] = [
  { command: 'deploy approve', form: 'one', says: 'How the deploy stands now.', schema: Ticket },
  { command: 'deploy revoke', form: 'one', says: 'How the deploy stands now.', schema: Ticket },
  { command: 'deploy expedite', form: 'one', says: 'How the deploy stands now.', schema: Ticket },
  { command: 'freeze', form: 'one', says: 'What freezes deploys now.', schema: Frozen },
  { command: 'unfreeze', form: 'one', says: 'What still freezes deploys, if anything does.', schema: Frozen },
];
