import { z } from 'zod';
import type { TakenNotice } from '../ledger/notices.ts';
import { NoticeDeploy } from './deploy-notice.ts';
import { DEPLOY_EVENTS, JOB_EVENTS, isDeployEvent } from './events.ts';

const id = z.string().describe('the same however often it is told, and to whomever: as in the header `webhook-id`');
const timestamp = z.iso.datetime().describe('when it happened');

const Job = z
  .object({
    id: z.string(),
    name: z.string().describe('of its definition'),
    taskQueue: z.string(),
    owner: z.string().optional(),
    state: z.enum(['running', 'interrupted', 'quarantined', 'done', 'failed', 'cancelled']),
    checkpoint: z.number().describe('its last one'),
    interruptions: z.number().describe('so far'),
    done: z.number().describe('its progress, if it tells it').optional(),
    total: z.number().optional(),
    reason: z
      .string()
      .describe('why it failed or is in quarantine; only where `details` is set, and while it is so')
      .optional(),
  })
  .meta({ id: 'NoticeJob', description: 'A job as a notice tells of it: as it was when it happened.' });

const sequence = z
  .number()
  .describe('grows with what happens to one job or deploy: of two notices the later has the higher one');

const JobNotice = z.object({
  id,
  type: z.enum(JOB_EVENTS),
  timestamp,
  sequence,
  data: z.object({ environment: z.string(), job: Job }),
});

const DeployNotice = z.object({
  id,
  type: z.enum(DEPLOY_EVENTS),
  timestamp,
  sequence,
  data: z.object({ environment: z.string(), deploy: NoticeDeploy }),
});

const TestNotice = z.object({
  id,
  type: z.literal('test').describe('sent by `lockkeeper notices test`'),
  timestamp,
  data: z.object({ environment: z.string() }),
});

/** What a webhook is sent. Fields may be added, and types. */
export const Notice = z
  .discriminatedUnion('type', [JobNotice, DeployNotice, TestNotice])
  .meta({ id: 'Notice', description: 'The body of a webhook.' });
export type Notice = z.output<typeof Notice>;
export type JobNotice = z.output<typeof JobNotice>;
export type DeployNotice = z.output<typeof DeployNotice>;

export const isJobNotice = (notice: Notice): notice is JobNotice => 'job' in notice.data;
export const isDeployNotice = (notice: Notice): notice is DeployNotice => 'deploy' in notice.data;

/** A notice of the ledger as receivers see it; undefined when a newer lockkeeper wrote it, of a kind that is not known here. */
export function noticeOf(taken: TakenNotice, environment: string, reason: string | undefined): Notice | undefined {
  return Notice.safeParse({
    id: taken.id,
    type: taken.event,
    timestamp: taken.at.toISOString(),
    sequence: taken.number,
    data: { environment, ...subjectOf(taken, reason) },
  }).data;
}

const subjectOf = ({ event, subject: id, owner, facts }: TakenNotice, reason: string | undefined) =>
  isDeployEvent(event)
    ? { deploy: { id, requestedBy: owner, ...facts, reason } }
    : { job: { id, owner, ...facts, reason } };
