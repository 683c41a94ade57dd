import { Command, Option } from 'commander';
import { z } from 'zod';
import { GraphClient } from '../../client/graph-client.ts';
import type { GraphRow } from '../../client/graph-list.ts';
import { withBoth } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { Graph } from '../json/graphs.ts';
import { printAs } from '../json/print.ts';
import { exits, jsonOption, parseCount, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { formatTime, table } from '../table.ts';
import { print, widthOf } from '../terminal.ts';

const STATES: readonly GraphRow['state'][] = ['running', 'quarantined', 'done', 'failed', 'cancelled'];

export interface GraphListOptions extends JsonOptions {
  readonly state?: GraphRow['state'];
  readonly limit: number;
}

/** Graphs, latest first. */
export async function graphList({ state, limit, json }: GraphListOptions): Promise<number> {
  const rows = await withBoth(({ temporal, ledger }) =>
    new GraphClient(temporal.client, ledger).list({ limit, ...(state && { state }) }),
  );
  if (json) printAs(z.array(Graph), rows);
  else print(rows.length === 0 ? 'no graphs' : graphTable(rows, widthOf(process.stdout)));
  return EXIT.ok;
}

export const graphTable = (rows: readonly GraphRow[], width?: number) =>
  table(
    ['GRAPH', 'NAME', 'QUEUE', 'STATE', 'DONE', 'STARTED', 'ENDED'],
    rows.map((row) => [
      row.id,
      row.name,
      row.taskQueue,
      row.state,
      `${row.done}/${row.nodes}`,
      formatTime(row.startedAt),
      formatTime(row.endedAt),
    ]),
    { width, leaveOut: ['QUEUE', 'ENDED', 'STARTED', 'NAME'] },
  );

export function graphListCommand(): Command {
  const command = new Command('list')
    .description('graphs, latest first')
    .addOption(new Option('--state <state>', 'only those').choices(STATES))
    .option('--limit <n>', 'how many', parseCount, 50)
    .addOption(jsonOption())
    .action(exits(graphList));
  return withExample(command, 'lockkeeper graph list --state failed');
}
