import { Command } from 'commander';
import { DeployClient } from '../../client/deploy-client.ts';
import type { DeployTicket } from '../../protocol.ts';
import { withTemporal } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { Ticket } from '../json/order.ts';
import { printAs } from '../json/print.ts';
import { configOption, environmentOption, exits, jsonOption, requestedByOption, withExample } from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { print } from '../terminal.ts';
import { environmentOf, requestedBy } from '../who.ts';
import { describeWaits } from './waiting.ts';

export interface OrderOptions extends EnvironmentOptions, JsonOptions {
  readonly reason?: string;
  readonly requestedBy?: string;
  readonly throughFreeze?: boolean;
}

type Act = 'approve' | 'revoke' | 'expedite';

/** A person's word about a deploy that waits; it is on the record before this returns. */
export async function deployOrder(act: Act, id: string, options: OrderOptions): Promise<number> {
  const environment = await environmentOf(options);
  const by = requestedBy(options.requestedBy);
  const ticket = await withTemporal(({ client }) => say(new DeployClient(client, environment), act, id, by, options));
  if (options.json) printAs(Ticket, ticket);
  else print(`${DONE[act]} by ${by}: deploy ${id} of ${environment} ${describeTicket(ticket)}`);
  return EXIT.ok;
}

const DONE: Record<Act, string> = { approve: 'approved', revoke: 'approval taken back', expedite: 'expedited' };

function say(
  { order }: DeployClient,
  act: Act,
  deploy: string,
  by: string,
  { reason, throughFreeze }: OrderOptions,
): Promise<DeployTicket> {
  switch (act) {
    case 'approve':
      return order.approve({ deploy, by, ...(reason !== undefined && { reason }) });
    case 'revoke':
      return order.revoke({ deploy, by, reason: reason! });
    case 'expedite':
      return order.expedite({ deploy, by, reason: reason!, ...(throughFreeze && { throughFreeze }) });
  }
}

/** `is approved, number 7`, and what it waits for besides its turn. */
export function describeTicket({
  outcome,
  approvalOrder,
  expeditedOrder,
  waitsFor,
  throughFreeze,
}: DeployTicket): string {
  if (outcome !== undefined) return `was requested before and has ${outcome}`;
  if (waitsFor?.kind === 'approval') return describeWaits({ ahead: [], waitsFor });
  return [
    `is approved, number ${approvalOrder}`,
    ...(expeditedOrder === undefined ? [] : ['before those that are not expedited']),
    ...(throughFreeze ? ['a freeze does not hold it'] : []),
    ...(waitsFor ? [describeWaits({ ahead: [], waitsFor })] : []),
  ].join(', ');
}

export function deployOrderCommands(): Command[] {
  return [
    withExample(
      operation('approve', 'approve a deploy; with enough approvals it takes its place in the order').option(
        '--reason <text>',
        'why, for the record',
      ),
      'lockkeeper deploy approve v42 --environment production',
    ),
    withExample(
      operation(
        'revoke',
        'take back one’s own approval, as long as the turn of the deploy has not come',
      ).requiredOption('--reason <text>', 'why, for the record'),
      'lockkeeper deploy revoke v42 --reason "the tests have failed after all"',
    ),
    withExample(
      operation('expedite', 'put an approved deploy that waits before all others')
        .requiredOption('--reason <text>', 'why, for the record')
        .option('--through-freeze', 'a freeze does not hold it, either'),
      'lockkeeper deploy expedite v42 --reason "mends the outage" --through-freeze',
    ),
  ];
}

const operation = (act: Act, does: string) =>
  new Command(act)
    .description(does)
    .argument('<id>', 'the deploy')
    .addOption(requestedByOption())
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits((id: string, options: OrderOptions) => deployOrder(act, id, options)));
