import { JobSeal } from '../../crypto/job-seal.ts';
import type { Keyring } from '../../crypto/keyring.ts';
import { DeployClient } from '../../client/deploy-client.ts';
import { boardBuilds, boardGates, boardJobs } from '../../ledger/board.ts';
import { waitingIn } from '../../client/waiting.ts';
import type { BoardJob, SavedBoardJob } from '../../ledger/board.ts';
import { openDeploys } from '../../ledger/deploys.ts';
import { readOrder } from '../../ledger/order.ts';
import { coordinatorTaskQueue } from '../../protocol.ts';
import type { JobConnections } from '../connections.ts';
import { liveStatus } from '../deploy/live-status.ts';
import type { Board } from './screen.ts';

/** What fits on a screen; the total is told. */
export const JOBS_SHOWN = 20;
/** Each live status is a question to a workflow; the first ones say where the queue stands. */
const DEPLOYS_ASKED = 5;

/** The board as it is now, with so many of its jobs at most. */
export async function readBoard(
  { temporal, ledger, keyring }: JobConnections,
  environment: string,
  jobsShown = JOBS_SHOWN,
): Promise<Board> {
  const client = new DeployClient(temporal.client, environment);
  const [open, order, gates, { jobs: saved, total }] = await Promise.all([
    openDeploys(ledger, environment),
    readOrder(ledger, environment),
    boardGates(ledger, environment),
    boardJobs(ledger, environment, jobsShown),
  ]);
  const queues = [coordinatorTaskQueue(environment), ...gates.map((gate) => gate.taskQueue)];
  const [builds, deploys] = await Promise.all([
    boardBuilds(ledger, queues),
    Promise.all(
      open.map(async (row, i) => {
        const waits = waitingIn(order, row.id);
        const asked = i < DEPLOYS_ASKED && !waits?.waitsFor;
        return { row, live: asked || !waits ? await liveStatus(client, row.id) : waits };
      }),
    ),
  ]);
  const { freeze } = order;
  const jobs = saved.map((job) => readable(job, keyring));
  return { environment, ...(freeze && { freeze }), deploys, gates, jobs, jobsTotal: total, builds };
}

function readable({ key, noteIs, ...job }: SavedBoardJob, keyring: Keyring | undefined): BoardJob {
  return { ...job, note: job.note === null ? null : new JobSeal(keyring, key).openText(job.note, noteIs) };
}
