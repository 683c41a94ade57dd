import { Command } from 'commander';
import { DeployClient } from '../client/deploy-client.ts';
import { boardBuilds, boardGates, boardJobs } from '../ledger/board.ts';
import { openDeploys } from '../ledger/deploys.ts';
import { coordinatorTaskQueue } from '../protocol.ts';
import { boardScreen } from './board-screen.ts';
import type { Board } from './board-screen.ts';
import { withBoth } from './connections.ts';
import type { Connections } from './connections.ts';
import { liveStatus } from './deploy/live-status.ts';
import { EXIT } from './exit-codes.ts';
import { configOption, environmentOption, exits, jsonOption, withExample } from './options.ts';
import type { EnvironmentOptions, JsonOptions } from './options.ts';
import { paintFor, print, printJson } from './terminal.ts';
import { environmentOf } from './who.ts';

/** What fits on a screen; the total is told. */
const JOBS_SHOWN = 20;
/** Each live status is a question to a workflow; the first ones say where the queue stands. */
const DEPLOYS_ASKED = 5;

/** Shows everything of an environment on one screen. */
export async function board(options: EnvironmentOptions & JsonOptions): Promise<number> {
  const environment = await environmentOf(options);
  const found = await withBoth((connections) => readBoard(connections, environment));
  if (options.json) printJson(found);
  else print(boardScreen(found, paintFor(process.stdout)));
  return EXIT.ok;
}

async function readBoard({ temporal, ledger }: Connections, environment: string): Promise<Board> {
  const client = new DeployClient(temporal.client, environment);
  const [open, gates, { jobs, total }] = await Promise.all([
    openDeploys(ledger, environment),
    boardGates(ledger, environment),
    boardJobs(ledger, environment, JOBS_SHOWN),
  ]);
  const queues = [coordinatorTaskQueue(environment), ...gates.map((gate) => gate.taskQueue)];
  const [builds, deploys] = await Promise.all([
    boardBuilds(ledger, queues),
    Promise.all(open.slice(0, DEPLOYS_ASKED).map(async (row) => ({ row, live: await liveStatus(client, row.id) }))),
  ]);
  const unasked = open
    .slice(DEPLOYS_ASKED)
    .map((row) => ({ row, live: { ahead: open.slice(0, open.indexOf(row)).map(({ id }) => id) } }));
  return { environment, deploys: [...deploys, ...unasked], gates, jobs, jobsTotal: total, builds };
}

export function boardCommand(): Command {
  const command = new Command('board')
    .description('one screen: deploys, gates, jobs, workers')
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(board));
  return withExample(command, 'lockkeeper board --environment production');
}
