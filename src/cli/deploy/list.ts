import { Command } from 'commander';
import { z } from 'zod';
import { listDeploys } from '../../ledger/deploys.ts';
import type { DeployRow } from '../../ledger/deploys.ts';
import { readOrder } from '../../ledger/order.ts';
import type { Order } from '../../ledger/order.ts';
import { nameOfCode } from '../../protocol.ts';
import { waitingIn } from '../../client/waiting.ts';
import { withLedger } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { Deploy, deployJson } from '../json/deploys.ts';
import { printAs } from '../json/print.ts';
import { configOption, environmentOption, exits, jsonOption, parseCount, withExample } from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { formatTime, table } from '../table.ts';
import { print, widthOf } from '../terminal.ts';
import { unknownEnvironment } from '../unknown-environment.ts';
import { environmentOf } from '../who.ts';
import { describeFreeze, describeWaits } from './waiting.ts';

export interface DeployListOptions extends EnvironmentOptions, JsonOptions {
  readonly limit: number;
}

/** The deploys of an environment, latest first. */
export async function deployList(options: DeployListOptions): Promise<number> {
  const environment = await environmentOf(options);
  const { rows, order, unknown } = await withLedger(async (ledger) => ({
    rows: await listDeploys(ledger, environment, options.limit),
    order: await readOrder(ledger, environment),
    unknown: await unknownEnvironment(ledger, environment),
  }));
  if (options.json)
    printAs(
      z.array(Deploy),
      rows.map((row) => deployJson(row, waitingIn(order, row.id))),
    );
  else if (rows.length === 0) print(unknown ?? `environment ${environment} has had no deploy`);
  else print(deployTable(rows, order, widthOf(process.stdout)));
  return EXIT.ok;
}

export function deployTable(rows: readonly DeployRow[], order: Order, width?: number): string {
  const found = table(
    ['DEPLOY', 'STATE', 'CODE', 'PLAN', 'VERSION', 'REQUESTED BY', 'REQUESTED', 'FINISHED'],
    rows.map((row) => [
      row.id,
      stateOf(row, order),
      row.code,
      row.plan,
      row.request.version,
      row.requestedBy,
      formatTime(row.requestedAt),
      formatTime(row.finishedAt),
    ]),
    { width, leaveOut: ['REQUESTED', 'CODE', 'PLAN', 'VERSION', 'FINISHED'] },
  );
  return order.freeze ? `${found}\n\n${describeFreeze(order.freeze)}` : found;
}

/** How it ended, or what it waits for; a freeze is told once for all. */
function stateOf(row: DeployRow, order: Order): string {
  if (row.outcome) return row.outcome;
  const waits = waitingIn(order, row.id);
  if (!waits) return nameOfCode(row.code);
  const { ahead, waitsFor } = waits;
  return describeWaits({ ahead, ...(waitsFor && { waitsFor }) });
}

export function deployListCommand(): Command {
  const command = new Command('list')
    .description('the deploys of an environment, latest first')
    .option('--limit <n>', 'how many', parseCount, 20)
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(deployList));
  return withExample(command, 'lockkeeper deploy list --environment production --limit 5');
}
