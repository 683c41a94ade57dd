import { Command } from 'commander';
import { DeployClient } from '../../client/deploy-client.ts';
import { LockkeeperError } from '../../errors.ts';
import { boardGates } from '../../ledger/board.ts';
import { openDeploys } from '../../ledger/deploys.ts';
import { GATES_PLAN } from '../../protocol.ts';
import { withBoth } from '../connections.ts';
import type { Connections } from '../connections.ts';
import { awaitDeploy } from '../deploy/await-deploy.ts';
import { narratingWithLedger } from '../deploy/narrator.ts';
import { printEnd } from '../deploy/result.ts';
import { EXIT } from '../exit-codes.ts';
import { GatesTold } from '../json/gates.ts';
import { printLineAs } from '../json/print.ts';
import {
  configOption,
  environmentOption,
  exits,
  jsonOption,
  requestedByOption,
  timeoutOption,
  waitOptions,
  withExample,
} from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import { print, tell } from '../terminal.ts';
import { environmentOf, requestedBy } from '../who.ts';
import { tellToOpen } from './tell-to-open.ts';

export interface GatesOpenOptions extends EnvironmentOptions, JsonOptions {
  readonly reason: string;
  readonly id?: string;
  readonly requestedBy?: string;
  readonly wait: boolean;
  readonly timeout?: number;
}

/** Opens what `gates close` has closed, and takes back what it has asked for. Gates of another deploy are its own to open. */
export async function gatesOpen(options: GatesOpenOptions): Promise<number> {
  const environment = await environmentOf(options);
  const began = Date.now();
  return withBoth(async (connections) => {
    const id = await closedBy(connections, environment, options.id);
    if (id === undefined) {
      if (options.json) printLineAs(GatesTold, { environment });
      else print(`no gate of ${environment} is closed, and nobody has asked for it`);
      return EXIT.ok;
    }
    const stop = stopOnSignals();
    const deploys = new DeployClient(connections.temporal.client, environment);
    const how = await tellToOpen(deploys, { deploy: id, reason: options.reason, by: requestedBy(options.requestedBy) });
    if (how === 'withdrawn' || !options.wait) {
      if (options.json) printLineAs(GatesTold, { deploy: id, environment, told: how });
      else print(how === 'withdrawn' ? `withdrawn: deploy ${id} had not begun` : `told to open: deploy ${id}`);
      return EXIT.ok;
    }
    const { timeout: timeoutMs } = options;
    const end = await narratingWithLedger((onEvent) =>
      awaitDeploy({ deploys, id, timeoutMs, signal: stop.signal, onEvent }),
    );
    const exitCode = printEnd({ id, environment, end, ms: Date.now() - began, stoppedBy: stop.by() }, options);
    await tellWhoIsNext(connections, environment);
    // Closing that was ended before everything was drained is what was asked for.
    return end.kind === 'ended' && how === 'abort' && end.outcome === 'aborted' ? EXIT.ok : exitCode;
  });
}

/** Another `gates close` that waits closes them again at once: that is no surprise to be had. */
async function tellWhoIsNext({ ledger }: Connections, environment: string): Promise<void> {
  const next = (await openDeploys(ledger, environment)).find(({ plan }) => plan === GATES_PLAN);
  if (next)
    tell(
      `deploy ${next.id} of ${next.requestedBy} closes gates now; to open those: lockkeeper gates open --id ${next.id}`,
    );
}

/** The deploy that holds gates closed for `gates close`, or is to. @throws {LockkeeperError} DEPLOY_NOT_CURRENT */
async function closedBy(
  { ledger }: Connections,
  environment: string,
  asked: string | undefined,
): Promise<string | undefined> {
  const open = (await openDeploys(ledger, environment)).filter(({ plan }) => plan === GATES_PLAN);
  const ours = open.find(({ id }) => asked === undefined || id === asked);
  if (ours) return ours.id;
  const held = (await boardGates(ledger, environment)).find(({ deploy }) => deploy !== null);
  if (!held && asked === undefined) return undefined;
  throw new LockkeeperError(
    'DEPLOY_NOT_CURRENT',
    held
      ? `the gate of ${held.taskQueue} is held by deploy ${held.deploy}, which opens it when it ends`
      : `no deploy ${asked} of \`gates close\` runs or waits in ${environment}`,
    { next: held ? `To end it: lockkeeper deploy abort ${held.deploy} --reason …` : 'See `lockkeeper gates`' },
  );
}

export function gatesOpenCommand(): Command {
  const command = new Command('open')
    .description('open what `gates close` has closed')
    .option('--reason <text>', 'why, for the record', 'done')
    .option('--id <id>', 'the deploy of `gates close`, if there are several (default: the first)')
    .addOption(requestedByOption())
    .addOption(timeoutOption())
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(gatesOpen));
  waitOptions('until work moves again').forEach((option) => command.addOption(option));
  return withExample(command, 'lockkeeper gates open --reason "the database is moved"');
}
