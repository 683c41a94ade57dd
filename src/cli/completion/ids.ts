import { listDeploys } from '../../ledger/deploys.ts';
import { listJobs } from '../../ledger/jobs.ts';
import { withLedgerIfThere } from '../connections.ts';
import { environmentOf } from '../who.ts';

/** More than anybody reads. */
const LIMIT = 50;

/** The latest ids of jobs or deploys, where a ledger tells them quickly; else none, for a completion never complains. */
export function latestIds(of: 'job' | 'deploy', environment: string | undefined): Promise<string[]> {
  return withLedgerIfThere(async (ledger) => {
    if (!ledger) return [];
    if (of === 'job') return (await listJobs(ledger, { limit: LIMIT })).map((job) => job.workflowId);
    const name = await environmentOf(environment === undefined ? {} : { environment });
    return (await listDeploys(ledger, name, LIMIT)).map((deploy) => deploy.id);
  }).catch(() => []);
}
