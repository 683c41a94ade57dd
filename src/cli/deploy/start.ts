import { randomUUID } from 'node:crypto';
import { Command, Option } from 'commander';
import { DeployClient } from '../../client/deploy-client.ts';
import type { DeployEnd } from '../../client/run-deploy.ts';
import { isLockkeeperError } from '../../errors.ts';
import type { DeployRequest, DeployStatus } from '../../protocol.ts';
import { withTemporal } from '../connections.ts';
import { EXIT, exitCodeOfDeploy } from '../exit-codes.ts';
import { Started } from '../json/deploys.ts';
import { printLineAs } from '../json/print.ts';
import { exits, parseDuration, waitOptions, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import { paintFor, print, tell } from '../terminal.ts';
import { environmentOf } from '../who.ts';
import { awaitDeploy } from './await-deploy.ts';
import { narratingWithLedger } from './narrator.ts';
import { withRequestOptions } from './options.ts';
import { checkTakesPart, requestOf } from './request.ts';
import type { RequestOptions } from './request.ts';
import { resultLine } from './result.ts';

export interface DeployStartOptions extends RequestOptions, JsonOptions {
  /** Milliseconds from the beginning of the external step. */
  readonly deadline: number;
  readonly nonce?: string;
  readonly wait: boolean;
  readonly timeout?: number;
}

/** Asks for a deploy whose external step is ended by `deploy finish`, and waits until that step has begun. */
export async function deployStart(options: DeployStartOptions): Promise<number> {
  const environment = await environmentOf(options);
  await checkTakesPart(options, 'deadline');
  const nonce = options.nonce ?? randomUUID();
  const began = Date.now();
  return withTemporal(async ({ client }) => {
    const stop = stopOnSignals();
    const deploys = new DeployClient(client, environment);
    const request = requestOf(options, { mode: 'deadline', nonce, deadlineMs: options.deadline });
    const ticket = await deploys.request(request);
    // Before the wait: whoever loses it cannot finish the deploy any more.
    if (options.json) printLineAs(Started, { deploy: options.id, nonce, ticket });
    else print(nonce);
    const end = await narratingWithLedger(async (onEvent) => {
      onEvent({ kind: 'requested', ticket });
      if (!options.wait) return 'told';
      const { id, timeout: timeoutMs } = options;
      const turn = awaitDeploy({ deploys, id, timeoutMs, signal: stop.signal, onEvent }, isYourTurn);
      return turn.catch((error: unknown) => howItEnded(deploys, request, error));
    });
    if (end === 'told') return EXIT.ok;
    if (end === 'reached') {
      tell(`Everything is drained: your turn. Then: lockkeeper deploy finish --id ${options.id} --nonce <nonce>`);
      return EXIT.ok;
    }
    // Standard output holds the nonce and nothing else.
    tell(resultLine({ id: options.id, environment }, end, Date.now() - began, paintFor(process.stderr)));
    return exitCodeOfDeploy(end, stop.by());
  });
}

/** One that neither runs nor waits has ended, taken back for instance: the same request asked again says how. */
async function howItEnded(deploys: DeployClient, request: DeployRequest, error: unknown): Promise<DeployEnd> {
  if (!isLockkeeperError(error, 'DEPLOY_NOT_CURRENT')) throw error;
  const { outcome } = await deploys.request(request);
  if (outcome === undefined) throw error;
  return { kind: 'ended', outcome };
}

/** Its external step has begun, and waits for `deploy finish`. */
export const isYourTurn = (status: DeployStatus): boolean =>
  status.steps.some((step) => step.type === 'external' && step.state === 'started');

export function deployStartCommand(): Command {
  const command = withRequestOptions(new Command('start'))
    .description('request a deploy and wait until it is your turn; prints the nonce that `deploy finish` needs')
    .addOption(
      new Option('--deadline <duration>', 'how long your part may take, such as 30m; later it is in doubt')
        .argParser(parseDuration)
        .makeOptionMandatory(),
    )
    .option(
      '--nonce <nonce>',
      'a secret of your own, so that the same request can be made again (default: a random one)',
    )
    .action(exits(deployStart));
  waitOptions('until it is your turn').forEach((option) => command.addOption(option));
  return withExample(command, 'NONCE=$(lockkeeper deploy start --id v42 --deadline 30m --environment production)');
}
