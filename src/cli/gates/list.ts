import { Command } from 'commander';
import { z } from 'zod';
import { readLimit } from '../../client/queue-limit.ts';
import { boardGates } from '../../ledger/board.ts';
import type { BoardGate } from '../../ledger/board.ts';
import type { LimitBefore } from '../../ledger/gates.ts';
import { withBoth } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { ShownGate as ShownGateJson } from '../json/gates.ts';
import { printAs } from '../json/print.ts';
import { configOption, environmentOption, exits, jsonOption, withExample } from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { formatTime, table } from '../table.ts';
import { print, widthOf } from '../terminal.ts';
import { environmentOf } from '../who.ts';

/** A gate as the ledger has it, and the queue's rate limit for activities as the server has it. */
export interface ShownGate extends BoardGate {
  readonly limit: LimitBefore | undefined;
}

/** The gates of an environment: the fence in the ledger, and the brake on the server. */
export async function gatesList(options: EnvironmentOptions & JsonOptions): Promise<number> {
  const environment = await environmentOf(options);
  const gates = await withBoth(async ({ temporal, ledger }) =>
    Promise.all(
      (await boardGates(ledger, environment)).map(async (gate): Promise<ShownGate> => ({
        ...gate,
        limit: await readLimit(temporal.client, gate.taskQueue),
      })),
    ),
  );
  if (options.json) printAs(z.array(ShownGateJson), gates);
  else
    print(
      gates.length === 0
        ? `environment ${environment} has no gates: no worker has been here yet`
        : gateTable(gates, widthOf(process.stdout)),
    );
  return EXIT.ok;
}

export const gateTable = (gates: readonly ShownGate[], width?: number) =>
  table(
    ['QUEUE', 'GATE', 'BY DEPLOY', 'SINCE', 'RUNNING', 'FENCED, NOT STOPPED', 'ON THE SERVER'],
    gates.map((gate) => [
      gate.taskQueue,
      gate.state,
      gate.deploy ?? undefined,
      formatTime(gate.since),
      gate.runningSlices,
      gate.fencedNotStopped,
      onServer(gate.limit),
    ]),
    { width, leaveOut: ['SINCE', 'FENCED, NOT STOPPED'] },
  );

function onServer(limit: LimitBefore | undefined): string {
  if (limit?.rate === undefined) return 'dispatches';
  const why = limit.reason ? `: ${limit.reason}` : '';
  return limit.rate === 0 ? `held back${why}` : `at most ${limit.rate} a second${why}`;
}

export function gatesListCommand(): Command {
  const command = new Command('list')
    .description('the gates of an environment, in the ledger and on the server (default)')
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(gatesList));
  return withExample(command, 'lockkeeper gates list --environment production');
}
