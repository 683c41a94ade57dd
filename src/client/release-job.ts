import type { Client } from '@temporalio/client';
import { LockkeeperError } from '../errors.ts';
import { jobsOf } from '../ledger/jobs.ts';
import type { JobRow } from '../ledger/jobs.ts';
import { listKept } from '../ledger/kept.ts';
import type { Ledger } from '../ledger/pool.ts';
import { JOB_WORKFLOW, RELEASE_UPDATE, handlersOfJob } from '../protocol.ts';
import type { JobStatus, ReleaseChoice } from '../protocol.ts';

/**
 * Releases a job from quarantine, also one inside a workflow of a user's own.
 * @throws {LockkeeperError} USAGE when it is not in quarantine, has no such checkpoint, or it is not clear which one is meant
 */
export async function releaseJob(
  client: Client,
  ledger: Ledger,
  id: string,
  choice: ReleaseChoice,
  key: string | undefined,
): Promise<JobStatus> {
  const workflow = client.workflow.getHandle(id);
  const { type } = await workflow.describe();
  const jobs = await jobsOf(ledger, id);
  const job = type === JOB_WORKFLOW ? jobs[0] : theOne(id, jobs, key);
  if (choice.action === 'from' && job) await expectKept(ledger, job, choice.seq);
  const update = type === JOB_WORKFLOW ? RELEASE_UPDATE : handlersOfJob(job!.key!).release;
  return workflow.executeUpdate<JobStatus, [ReleaseChoice]>(update, { args: [choice] });
}

/** A workflow of a user's own may have several. */
function theOne(id: string, jobs: readonly JobRow[], key: string | undefined): JobRow {
  const waiting = jobs.filter((job) => job.state === 'quarantined' && (key === undefined || job.key === key));
  const [job, ...others] = waiting;
  if (!job)
    throw new LockkeeperError(
      'USAGE',
      `no job${key === undefined ? '' : ` ${key}`} of workflow ${id} is in quarantine`,
      {
        next: `See \`lockkeeper job show ${id}\``,
      },
    );
  if (others.length === 0) return job;
  throw new LockkeeperError('USAGE', `${waiting.length} jobs of workflow ${id} are in quarantine`, {
    next: `Say which one: ${waiting.map((one) => `\`--key ${one.key}\` (${one.name})`).join(', ')}`,
  });
}

async function expectKept(ledger: Ledger, job: JobRow, seq: number): Promise<void> {
  const kept = (await listKept(ledger, job.key!)).filter((one) => one.kind === 'state').map((one) => one.seq);
  if (kept.includes(seq)) return;
  throw new LockkeeperError(
    'USAGE',
    `checkpoint ${seq} of job ${job.workflowId} is not kept; ${kept.length === 0 ? 'none is' : `these are: ${kept.join(', ')}`}`,
    { next: kept.length === 0 ? 'Use `--restart`, or `--fail`' : 'Use one of them, or `--restart`' },
  );
}
