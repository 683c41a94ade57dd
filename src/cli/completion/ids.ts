import { findGraphs } from '../../client/graph-list.ts';
import { listDeploys } from '../../ledger/deploys.ts';
import { listJobs } from '../../ledger/jobs.ts';
import type { Ledger } from '../../ledger/pool.ts';
import { withLedgerIfThere, withTemporal } from '../connections.ts';
import type { EnvironmentOptions } from '../options.ts';
import { environmentOf } from '../who.ts';

/** More than anybody reads. */
const LIMIT = 50;

/** The latest ids, where ledger or server tell them quickly; else none, for a completion never complains. */
export function latestIds(of: 'job' | 'graph' | 'deploy', options: EnvironmentOptions): Promise<string[]> {
  const found = of === 'graph' ? graphIds() : withLedgerIfThere((ledger) => idsIn(ledger, of, options));
  return found.catch(() => []);
}

/** Graphs stand on the server alone. */
const graphIds = () =>
  withTemporal(async ({ client }) => (await findGraphs(client, { limit: LIMIT })).map((graph) => graph.id));

async function idsIn(ledger: Ledger | undefined, of: 'job' | 'deploy', options: EnvironmentOptions): Promise<string[]> {
  if (!ledger) return [];
  if (of === 'job') return (await listJobs(ledger, { limit: LIMIT })).map((job) => job.workflowId);
  return (await listDeploys(ledger, await environmentOf(options), LIMIT)).map((deploy) => deploy.id);
}
