import { z } from 'zod';
import type { DeployRow } from '../../ledger/deploys.ts';
import type { Waits } from '../deploy/waiting.ts';
import { Ticket, code, outcome, waitsFields } from './order.ts';
import type { Jsonable } from './print.ts';
import { named, time } from './shape.ts';
import type { JsonOutput } from './shape.ts';

const direction = z.enum(['forward', 'back']).describe('`back`: it is being rolled back');

export const Deploy = named('Deploy', 'What the ledger keeps of a deploy, for good.', {
  id: z.string(),
  environment: z.string(),
  plan: z.string(),
  version: z.string().optional(),
  parameters: z.record(z.string(), z.string()).optional(),
  requestedBy: z.string(),
  requestedAt: time('when it was asked for'),
  approvedAt: time('when it was approved').optional(),
  approvalOrder: z.number().describe('deploys run in this order').optional(),
  lockGrantedAt: time('when its turn came').optional(),
  finishedAt: time('when it ended').optional(),
  code,
  direction,
  outcome: outcome.describe('absent: it has not ended').optional(),
  reason: z.string().describe('why it ended so').optional(),
  runIds: z.array(z.string()).describe("Temporal's ids of its runs, the last one last"),
  scheduledFor: time('it takes no part in the order before').optional(),
  expeditedOrder: z.number().describe('before all that are not expedited').optional(),
  throughFreeze: z.boolean().describe('a freeze does not hold it'),
  waiting: z.object(waitsFields).describe('absent: it has the lock, or has ended').optional(),
});

/** Of a row of the ledger; its nonce, its fencing token and the plan's commands with their variables are not for everybody. */
export const deployJson = (row: DeployRow, waiting?: Waits): Jsonable<z.input<typeof Deploy>> => ({
  ...row,
  waiting,
  version: row.request.version,
  parameters: row.request.parameters && { ...row.request.parameters },
  reason: row.outcomeReason,
});

const stepFields = {
  n: z.number().describe('its place in the plan, from 1'),
  name: z.string(),
  type: z.enum(['external', 'command', 'migrate', 'wait']),
  state: z.enum(['pending', 'started', 'done', 'inDoubt', 'compensating', 'compensated', 'skipped', 'failed']),
  note: z.string().describe('what its work said, or why it is in doubt').optional(),
};
export const Step = named('Step', 'A step as the run of its deploy sees it.', stepFields);
export const StepRecord = named('StepRecord', 'A step as the ledger keeps it.', {
  ...stepFields,
  startedAt: time('when it began').optional(),
  endedAt: time('when it ended').optional(),
});

export const DeployStatus = named('DeployStatus', 'What the run of a deploy says of itself.', {
  deploy: z.string(),
  environment: z.string(),
  code,
  direction,
  phase: z.string().describe('in words, for people; branch on `code`'),
  outcome: outcome.optional(),
  reason: z.string().optional(),
  draining: z.array(z.string()).describe('queues and participants that are not drained yet'),
  steps: z.array(Step),
  held: z
    .object({
      reason: z.string(),
      until: z.number().describe('milliseconds since 1970'),
      step: z.number().optional(),
    })
    .describe('it waits for a person; without a step, before its next one')
    .optional(),
  toBeHeld: z
    .object({ by: z.string(), reason: z.string() })
    .describe('it will be held before its next step')
    .optional(),
  unclaimed: z
    .object({ until: z.number().describe('milliseconds since 1970') })
    .describe('no gate is closed yet: it waits for a sign of life of its `deploy run`')
    .optional(),
});

export const Live = z
  .union([
    z.object({ status: DeployStatus }),
    z.object({ ...waitsFields }),
    z.object({ noAnswer: z.string().describe('nobody answers for it, and why') }),
  ])
  .meta({ id: 'Live', description: 'Where a deploy without an outcome is: it runs, it waits, or nobody answers.' });

export const DeployEnd = named('DeployEnd', 'How a deploy ended for the command that followed it.', {
  deploy: z.string(),
  environment: z.string(),
  kind: z
    .enum(['ended', 'leaseLost', 'timedOut', 'interrupted'])
    .describe('`timedOut`, `interrupted`: the command stopped waiting'),
  outcome: outcome.describe('of `ended`').optional(),
  reason: z.string().optional(),
  ms: z.number().describe('how long the command followed it, milliseconds; absent when it had ended before').optional(),
  exitCode: z.number(),
});

const Event = named('Event', 'A line of the record.', {
  at: time('when'),
  actor: z.string().describe('who did it'),
  event: z.string(),
  detail: z.record(z.string(), z.unknown()),
});

export const Audit = z.object({
  deploy: z.string(),
  environment: z.string(),
  events: z.array(Event).describe('in order; also the freezes while it waited'),
});

export const ShownDeploy = z.object({
  deploy: Deploy,
  steps: z.array(StepRecord),
  events: z.array(Event).describe('what happened, in order'),
  live: Live.describe('absent when it has ended, or neither runs nor waits').optional(),
  holder: z
    .object({
      deploy: z.string(),
      since: time('when its turn came').optional(),
      plan: z.string(),
      version: z.string().optional(),
      requestedBy: z.string(),
      code,
    })
    .describe('the deploy that has the lock now')
    .optional(),
});

export const holderJson = ({ id, lockGrantedAt, turnAt, plan, request, requestedBy, code: at }: DeployRow) => ({
  deploy: id,
  since: lockGrantedAt ?? turnAt,
  plan,
  version: request.version,
  requestedBy,
  code: at,
});

export const Started = z.object({
  deploy: z.string(),
  nonce: z.string().describe('the secret that `deploy finish` needs'),
  ticket: Ticket,
});
export const Sent = z.object({ deploy: z.string(), environment: z.string(), sent: z.literal(true) });
export const Withdrawn = z.object({ deploy: z.string(), outcome: z.literal('aborted') });

const at = time('when it was seen');
export const WatchLine = z
  .discriminatedUnion('event', [
    z.object({
      event: z.literal('waiting'),
      at,
      ...waitsFields,
      holder: z
        .object({
          deploy: z.string(),
          since: time('since when it runs'),
          summary: z.string().describe('its version, its plan and who asked for it').optional(),
        })
        .describe('the deploy that runs now')
        .optional(),
    }),
    z.object({ event: z.literal('status'), at, status: DeployStatus }),
    z.object({ event: z.literal('noAnswer'), at, reason: z.string() }),
    z.object({ event: z.literal('runLost'), at, how: z.string() }),
    z.object({ event: z.literal('nothing'), at, environment: z.string() }).describe('no deploy runs, and none waits'),
    z.object({ event: z.literal('end'), at, ...DeployEnd.shape }).describe('always the last line'),
  ])
  .meta({ id: 'WatchLine', description: 'A line of `deploy watch`; each change once.' });

export const DEPLOY_OUTPUTS: readonly JsonOutput[] = [
  {
    command: 'deploy run',
    form: 'line',
    says: 'The end of the deploy. What the command itself prints on standard output stands before it.',
    schema: DeployEnd,
  },
  { command: 'deploy start', form: 'line', says: 'Before it waits.', schema: Started },
  { command: 'deploy finish', form: 'line', says: 'The end of the deploy.', schema: DeployEnd },
  { command: 'deploy finish --no-wait', form: 'line', says: 'That the word was sent.', schema: Sent },
  { command: 'deploy watch', form: 'lines', says: 'What changes, until the end.', schema: WatchLine },
  { command: 'deploy show', form: 'one', says: 'Everything about one deploy.', schema: ShownDeploy },
  { command: 'deploy show --audit', form: 'one', says: 'The record of one deploy.', schema: Audit },
  { command: 'deploy list', form: 'one', says: 'The latest first.', schema: z.array(Deploy) },
  {
    command: 'deploy abort',
    form: 'one',
    says: 'The status of the run that was told; for a deploy that had not begun, that it is withdrawn.',
    schema: z.union([DeployStatus, Withdrawn]),
  },
  { command: 'deploy retry-step', form: 'one', says: 'The status of the run that was told.', schema: DeployStatus },
  { command: 'deploy hold', form: 'one', says: 'The status of the run that was told.', schema: DeployStatus },
  { command: 'deploy resume', form: 'one', says: 'The status of the run that was told.', schema: DeployStatus },
  { command: 'deploy skip-step', form: 'one', says: 'The status of the run that was told.', schema: DeployStatus },
];
