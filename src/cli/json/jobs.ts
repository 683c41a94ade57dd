import { z } from 'zod';
import { named, time } from './shape.ts';
import type { JsonOutput } from './shape.ts';

const phase = z.enum(['running', 'interrupted', 'waiting', 'quarantined', 'done', 'failed', 'cancelled']);

export const Job = named('Job', 'A job as the ledger knows it.', {
  key: z.string().describe('its identity in the ledger, where it is there already').optional(),
  workflowId: z.string(),
  name: z.string().describe('of its definition'),
  taskQueue: z.string(),
  owner: z.string().describe('whom it belongs to').optional(),
  state: z.enum(['pending', ...phase.options]).describe('`pending`: it waits for its first slice'),
  seq: z.number().describe('its last checkpoint'),
  interruptions: z.number(),
  losses: z.number().describe('of its workers, without progress since'),
  progress: z.object({
    done: z.number().optional(),
    total: z.number().optional(),
    note: z.string().optional(),
  }),
  reason: z.string().describe('why it is in quarantine, or has failed').optional(),
  gateClosedBy: z.string().describe('the deploy behind whose closed gate it waits').optional(),
  wentBack: z
    .string()
    .describe("why it last went on from another checkpoint than its last one, without a person's word")
    .optional(),
  wentBackAt: time('when that was').optional(),
  lastCheckpointAt: time('when it last saved its place').optional(),
  worker: z.string().describe('the worker that has it').optional(),
  buildId: z.string().describe('of that worker').optional(),
  createdAt: time('when it was started'),
  changedAt: time('when its state last changed, or it last saved its place').optional(),
});

export const KeptCheckpoint = named('KeptCheckpoint', 'A checkpoint that is kept of a job.', {
  seq: z.number(),
  kind: z.enum(['state', 'done']).describe('`done`: its result'),
  stateVersion: z.number(),
  buildId: z.string().describe('of the worker that wrote it'),
  keyId: z.string().describe('`none`: it is not encrypted'),
  at: time('when it was written'),
  found: z.enum(['restorable', 'unrestorable', 'notTried']).describe('by the worker that put the job into quarantine'),
  why: z.string().describe('why it cannot be restored').optional(),
  repeatsEffects: z.boolean().describe('SQL of the job was committed after it: going on from here does that again'),
});

export const JobStatus = named('JobStatus', 'What the workflow of a job says.', {
  job: z.string().describe('the name of its definition'),
  phase,
  seq: z.number().describe('the last checkpoint it was told of'),
  interruptions: z.number(),
  failures: z.number().describe("of the job's own code, without progress since"),
  reason: z.string().optional(),
  wentBack: z.string().describe('as in Job').optional(),
});

export const ShownJob = z.object({
  id: z.string(),
  row: Job.describe('absent before its first slice').optional(),
  gateClosedBy: z.string().describe('before its first slice: the deploy behind whose closed gate it waits').optional(),
  status: JobStatus.describe('absent when nobody answers for it').optional(),
  checkpoints: z.array(KeptCheckpoint).describe('of a job in quarantine: what it could go on from').optional(),
  others: z.array(Job).describe('the other jobs of its workflow, where that is one of your own').optional(),
});

export const JobStarted = z.object({ id: z.string(), job: z.string().describe('the name of its definition') });
export const JobReleased = z.object({
  id: z.string(),
  released: z.literal(true),
  status: JobStatus.describe('absent when it is encrypted by a key that is not here').optional(),
});
export const JobCancelled = z.object({ id: z.string(), cancelRequested: z.literal(true) });
export const JobEnd = named('JobEnd', 'How a job ended.', {
  id: z.string(),
  state: z.enum(['done', 'failed', 'cancelled']),
  result: z.unknown().describe('of `done`').optional(),
  reason: z.string().describe('of `failed` and `cancelled`').optional(),
});

export const JOB_OUTPUTS: readonly JsonOutput[] = [
  { command: 'job start', form: 'line', says: 'The id.', schema: JobStarted },
  { command: 'job start --wait', form: 'line', says: 'The end of the job.', schema: JobEnd },
  { command: 'job watch', form: 'line', says: 'The end of the job.', schema: JobEnd },
  { command: 'keys rotate', form: 'line', says: 'The end of the job that encrypts the ledger anew.', schema: JobEnd },
  { command: 'job list', form: 'one', says: 'The latest first.', schema: z.array(Job) },
  { command: 'job show', form: 'one', says: 'What ledger and workflow say of a job.', schema: ShownJob },
  { command: 'job cancel', form: 'line', says: 'That it was asked to end.', schema: JobCancelled },
  { command: 'job release', form: 'one', says: 'Its status then.', schema: JobReleased },
];
