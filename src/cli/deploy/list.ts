import { Command } from 'commander';
import { z } from 'zod';
import { listDeploys } from '../../ledger/deploys.ts';
import type { DeployRow } from '../../ledger/deploys.ts';
import { withLedger } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { Deploy, deployJson } from '../json/deploys.ts';
import { printAs } from '../json/print.ts';
import { configOption, environmentOption, exits, jsonOption, parseCount, withExample } from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { formatTime, table } from '../table.ts';
import { print, widthOf } from '../terminal.ts';
import { environmentOf } from '../who.ts';

export interface DeployListOptions extends EnvironmentOptions, JsonOptions {
  readonly limit: number;
}

/** The deploys of an environment, latest first. */
export async function deployList(options: DeployListOptions): Promise<number> {
  const environment = await environmentOf(options);
  const rows = await withLedger((ledger) => listDeploys(ledger, environment, options.limit));
  if (options.json) printAs(z.array(Deploy), rows.map(deployJson));
  else
    print(
      rows.length === 0 ? `environment ${environment} has had no deploy` : deployTable(rows, widthOf(process.stdout)),
    );
  return EXIT.ok;
}

export function deployTable(rows: readonly DeployRow[], width?: number): string {
  return table(
    ['DEPLOY', 'OUTCOME', 'CODE', 'PLAN', 'VERSION', 'REQUESTED BY', 'REQUESTED', 'FINISHED'],
    rows.map((row) => [
      row.id,
      row.outcome,
      row.code,
      row.plan,
      row.request.version,
      row.requestedBy,
      formatTime(row.requestedAt),
      formatTime(row.finishedAt),
    ]),
    { width, leaveOut: ['REQUESTED', 'CODE', 'PLAN', 'VERSION', 'FINISHED'] },
  );
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
