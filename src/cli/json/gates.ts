import { z } from 'zod';
import { Gate } from './board.ts';
import { DeployEnd } from './deploys.ts';
import type { JsonOutput } from './shape.ts';

export const ShownGate = Gate.extend({
  limit: z
    .object({
      rate: z.number().describe('activities a second; 0: held back; absent: as many as there are').optional(),
      reason: z.string().optional(),
    })
    .describe("the queue's rate limit on the Temporal server; absent: it never had one")
    .optional(),
}).meta({ id: 'ShownGate', description: 'The gate of a task queue, in the ledger and on the server.' });

export const GatesClosed = z.object({
  deploy: z.string().describe('the deploy that holds them closed'),
  environment: z.string(),
  closed: z.boolean().describe('closed and drained; false with `--no-wait`'),
  forMs: z.number().describe('they open by themselves after this long, milliseconds'),
});

export const GatesTold = z.object({
  environment: z.string(),
  deploy: z.string().describe('absent: no gate was closed, and nobody had asked for it').optional(),
  told: z
    .enum(['skipStep', 'abort', 'withdrawn', 'opening'])
    .describe('`withdrawn`: it had not begun; `opening`: its time was over already')
    .optional(),
});

export const GATES_OUTPUTS: readonly JsonOutput[] = [
  { command: 'gates list', form: 'one', says: 'All gates of the environment.', schema: z.array(ShownGate) },
  { command: 'gates close', form: 'line', says: 'When they are closed and drained.', schema: GatesClosed },
  {
    command: 'gates open',
    form: 'line',
    says: 'The end of the deploy that held them closed, or that nothing was to be waited for.',
    schema: z.union([DeployEnd, GatesTold]),
  },
];
