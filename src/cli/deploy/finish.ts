import { Command } from 'commander';
import { DeployClient } from '../../client/deploy-client.ts';
import { LockkeeperError } from '../../errors.ts';
import type { DeployStatus } from '../../protocol.ts';
import { withTemporal } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { Sent } from '../json/deploys.ts';
import { printLineAs } from '../json/print.ts';
import {
  configOption,
  environmentOption,
  exits,
  jsonOption,
  timeoutOption,
  waitOptions,
  withExample,
} from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import { print } from '../terminal.ts';
import { environmentOf } from '../who.ts';
import { awaitDeploy } from './await-deploy.ts';
import { narratingWithLedger } from './narrator.ts';
import { idOption } from './options.ts';
import { printEnd } from './result.ts';
import { summaryOption, writeSummary } from './summary.ts';

export interface DeployFinishOptions extends EnvironmentOptions, JsonOptions {
  readonly id: string;
  readonly nonce: string;
  readonly failed?: boolean;
  readonly note?: string;
  readonly wait: boolean;
  readonly timeout?: number;
  readonly summary?: string;
}

/** A signal has no answer: an external step that still runs this many milliseconds later did not know the nonce. */
const HEARD_WITHIN = 10_000;

/** Says that the work of the external step is done, or has failed, and waits for the end of the deploy. */
export async function deployFinish(options: DeployFinishOptions): Promise<number> {
  const environment = await environmentOf(options);
  const { id, nonce, note } = options;
  const began = Date.now();
  return withTemporal(async ({ client }) => {
    const stop = stopOnSignals();
    const deploys = new DeployClient(client, environment);
    await deploys.finish({ deploy: id, nonce, ok: !options.failed, ...(note !== undefined && { note }) });
    if (!options.wait) {
      if (options.json) printLineAs(Sent, { deploy: id, environment, sent: true });
      else
        print(
          `told deploy ${id} of ${environment} that its external step ${options.failed ? 'has failed' : 'is done'}`,
        );
      return EXIT.ok;
    }
    const end = await narratingWithLedger((onEvent) =>
      awaitDeploy({ deploys, id, timeoutMs: options.timeout, signal: stop.signal, onEvent }, notHeard(Date.now())),
    );
    if (end === 'reached') return EXIT.ok;
    const ended = { id, environment, end, ms: Date.now() - began, stoppedBy: stop.by() };
    await writeSummary(options.summary, ended);
    return printEnd(ended, options);
  });
}

/** Never reached; refuses to wait for a deploy that does not listen. */
export function notHeard(sent: number, now: () => number = Date.now): (status: DeployStatus) => boolean {
  return (status) => {
    const waits = status.steps.some((step) => step.type === 'external' && step.state === 'started');
    if (waits && now() - sent > HEARD_WITHIN) {
      throw new LockkeeperError('DEPLOY_INVALID', `deploy ${status.deploy} still waits for its external step`, {
        next: 'Give the --nonce that `deploy start` printed; a step under a lease is ended by its own `deploy run`',
      });
    }
    return false;
  };
}

export function deployFinishCommand(): Command {
  const command = new Command('finish')
    .description('say that the external step of a deploy is done, and wait for the end')
    .addOption(idOption())
    .requiredOption('--nonce <nonce>', 'what `deploy start` printed')
    .option('--failed', 'the work has failed')
    .option('--note <text>', 'a word for the record')
    .addOption(summaryOption())
    .addOption(timeoutOption())
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(deployFinish));
  waitOptions('for the end of the deploy').forEach((option) => command.addOption(option));
  return withExample(command, 'lockkeeper deploy finish --id v42 --nonce "$NONCE" --environment production');
}
