import { Command } from 'commander';
import { listDeploys } from '../../ledger/deploys.ts';
import type { DeployRow } from '../../ledger/deploys.ts';
import { withLedger } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { configOption, environmentOption, exits, jsonOption, parseCount, withExample } from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { formatTime, table } from '../table.ts';
import { print, printJson } from '../terminal.ts';
import { unknownEnvironment } from '../unknown-environment.ts';
import { environmentOf } from '../who.ts';

export interface DeployListOptions extends EnvironmentOptions, JsonOptions {
  readonly limit: number;
}

/** The deploys of an environment, latest first. */
export async function deployList(options: DeployListOptions): Promise<number> {
  const environment = await environmentOf(options);
  const { rows, unknown } = await withLedger(async (ledger) => ({
    rows: await listDeploys(ledger, environment, options.limit),
    unknown: await unknownEnvironment(ledger, environment),
  }));
  if (options.json) printJson(rows);
  else print(rows.length === 0 ? (unknown ?? `environment ${environment} has had no deploy`) : deployTable(rows));
  return EXIT.ok;
}

export function deployTable(rows: readonly DeployRow[]): string {
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
