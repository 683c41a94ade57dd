import { Command, Option } from 'commander';
import { DeployClient } from '../client/deploy-client.ts';
import type { FreezeAnswer } from '../protocol.ts';
import { withTemporal } from './connections.ts';
import { describeFreeze } from './deploy/waiting.ts';
import { EXIT } from './exit-codes.ts';
import { Frozen } from './json/order.ts';
import { printAs } from './json/print.ts';
import {
  configOption,
  environmentOption,
  exits,
  jsonOption,
  parseUntil,
  requestedByOption,
  withExample,
} from './options.ts';
import type { EnvironmentOptions, JsonOptions } from './options.ts';
import { print } from './terminal.ts';
import { environmentOf, requestedBy } from './who.ts';

export interface FreezeOptions extends EnvironmentOptions, JsonOptions {
  readonly reason: string;
  /** An ISO time with its zone. */
  readonly until?: string;
  readonly requestedBy?: string;
}

/** From now on no deploy is given the lock; the one that has it ends as usual. */
export async function freeze(options: FreezeOptions): Promise<number> {
  const { reason, until } = options;
  const by = requestedBy(options.requestedBy);
  return tell(options, ({ order }) => order.freeze({ by, reason, ...(until !== undefined && { until }) }));
}

/** Ends a freeze by hand. */
export async function unfreeze(options: FreezeOptions): Promise<number> {
  return tell(options, ({ order }) => order.unfreeze({ by: requestedBy(options.requestedBy), reason: options.reason }));
}

async function tell(options: FreezeOptions, say: (deploys: DeployClient) => Promise<FreezeAnswer>): Promise<number> {
  const environment = await environmentOf(options);
  const answer = await withTemporal(({ client }) => say(new DeployClient(client, environment)));
  if (options.json) printAs(Frozen, { environment, ...answer });
  else print(`environment ${environment} ${describeAnswer(answer)}`);
  return EXIT.ok;
}

function describeAnswer({ freeze: found, changed }: FreezeAnswer): string {
  if (found) return `is ${describeFreeze(found)}`;
  return changed ? 'is frozen no longer' : 'was not frozen';
}

export function freezeCommand(): Command {
  const command = withCommonOptions('freeze', 'let no deploy begin; the one that runs ends as usual').addOption(
    new Option(
      '--until <time>',
      'when it ends by itself: an ISO time with its zone, or from now on such as 2h (default: `unfreeze`)',
    ).argParser(parseUntil),
  );
  return withExample(command.action(exits(freeze)), 'lockkeeper freeze --reason "the shop is open late" --until 6h');
}

export function unfreezeCommand(): Command {
  const command = withCommonOptions('unfreeze', 'end a freeze: the deploys that wait begin, one after the other');
  return withExample(command.action(exits(unfreeze)), 'lockkeeper unfreeze --reason "the shop is closed"');
}

const withCommonOptions = (name: string, does: string) =>
  new Command(name)
    .description(does)
    .requiredOption('--reason <text>', 'why, for the record')
    .addOption(requestedByOption())
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption());
