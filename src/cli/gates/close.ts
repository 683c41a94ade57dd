import { randomUUID } from 'node:crypto';
import { Command, Option } from 'commander';
import { DeployClient } from '../../client/deploy-client.ts';
import { formatDuration } from '../../duration.ts';
import { GATES_CLOSED_FOR } from '../../defaults.ts';
import { GATES_PLAN } from '../../protocol.ts';
import type { DeployRequest, DeployStatus } from '../../protocol.ts';
import { withTemporal } from '../connections.ts';
import { awaitDeploy } from '../deploy/await-deploy.ts';
import { narratingWithLedger } from '../deploy/narrator.ts';
import { printEnd } from '../deploy/result.ts';
import { EXIT } from '../exit-codes.ts';
import { GatesClosed } from '../json/gates.ts';
import { printLineAs } from '../json/print.ts';
import {
  configOption,
  environmentOption,
  exits,
  jsonOption,
  parseDuration,
  requestedByOption,
  timeoutOption,
  waitOptions,
  withExample,
} from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import { print } from '../terminal.ts';
import { environmentOf, requestedBy } from '../who.ts';
import { tellToOpen } from './tell-to-open.ts';

export interface GatesCloseOptions extends EnvironmentOptions, JsonOptions {
  readonly reason: string;
  readonly queue?: readonly string[];
  /** Milliseconds. */
  readonly for: number;
  readonly id?: string;
  readonly requestedBy?: string;
  readonly wait: boolean;
  readonly timeout?: number;
}

/**
 * Closes gates and keeps them closed: a deploy of its own, which waits its turn, drains, and does nothing until it is told
 * to open them or its time is over.
 */
export async function gatesClose(options: GatesCloseOptions): Promise<number> {
  const environment = await environmentOf(options);
  const request = requestOf(options);
  const { id } = request;
  const began = Date.now();
  return withTemporal(async ({ client }) => {
    const stop = stopOnSignals();
    const deploys = new DeployClient(client, environment);
    const ticket = await deploys.request(request);
    const end = await narratingWithLedger(async (onEvent) => {
      onEvent({ kind: 'requested', ticket });
      if (!options.wait) return 'reached';
      const { timeout: timeoutMs } = options;
      return awaitDeploy({ deploys, id, timeoutMs, signal: stop.signal, onEvent }, isClosed);
    });
    const ms = Date.now() - began;
    if (end !== 'reached' && end.kind !== 'ended') {
      // Nobody waits for them to be closed: that they close later would be a surprise.
      const told = await tellToOpen(deploys, { deploy: id, reason: 'nobody waits for it', by: request.requestedBy });
      const reason = told === 'withdrawn' ? 'they had not closed, and stay open' : 'they open again';
      return printEnd({ id, environment, end: { ...end, reason }, ms, stoppedBy: stop.by() }, options);
    }
    if (end !== 'reached') return printEnd({ id, environment, end, ms }, options);
    if (options.json) printLineAs(GatesClosed, { deploy: id, environment, closed: options.wait, forMs: options.for });
    else print(closedText(options, id));
    return EXIT.ok;
  });
}

function requestOf(options: GatesCloseOptions): DeployRequest {
  return {
    id: options.id ?? `${GATES_PLAN}-${randomUUID().slice(0, 8)}`,
    plan: GATES_PLAN,
    parameters: {
      for: `${options.for}ms`,
      reason: options.reason,
      ...(options.queue && { queues: options.queue.join(',') }),
    },
    requestedBy: requestedBy(options.requestedBy),
  };
}

/** Everything is drained, and the step that only waits has begun. */
const isClosed = (status: DeployStatus): boolean => status.steps.some((step) => step.state === 'started');

const closedText = (options: GatesCloseOptions, id: string) =>
  [
    `${options.wait ? 'closed and drained' : 'asked to close'}: ${options.queue?.join(', ') ?? 'all queues'}, for ${formatDuration(options.for)}, by deploy ${id}`,
    'Before that: lockkeeper gates open',
  ].join('\n');

export function gatesCloseCommand(): Command {
  const command = new Command('close')
    .description('close gates and keep them closed, for work that no plan describes; on the record as a deploy')
    .requiredOption('--reason <text>', 'why, for the record')
    .addOption(
      new Option('--queue <name>', 'only this task queue; may be repeated (default: all of the environment)').argParser(
        (name: string, before: readonly string[] = []) => [...before, name],
      ),
    )
    .addOption(
      new Option('--for <duration>', 'they open by themselves after this long')
        .argParser(parseDuration)
        .default(GATES_CLOSED_FOR, formatDuration(GATES_CLOSED_FOR)),
    )
    .option('--id <id>', 'the id of the deploy (default: a random one)')
    .addOption(requestedByOption())
    .addOption(timeoutOption())
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(gatesClose));
  waitOptions('until everything is drained').forEach((option) => command.addOption(option));
  return withExample(command, 'lockkeeper gates close --queue imports --for 2h --reason "the database is being moved"');
}
