import { Command } from 'commander';
import { DeployClient } from '../../client/deploy-client.ts';
import { isLockkeeperError } from '../../errors.ts';
import type { DeployStatus, Operation } from '../../protocol.ts';
import { withTemporal } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { DeployStatus as DeployStatusJson, Withdrawn } from '../json/deploys.ts';
import { printAs } from '../json/print.ts';
import { configOption, environmentOption, exits, jsonOption, requestedByOption, withExample } from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { print } from '../terminal.ts';
import { environmentOf, requestedBy } from '../who.ts';

export interface OperateOptions extends EnvironmentOptions, JsonOptions {
  readonly reason: string;
  readonly requestedBy?: string;
}

/** An operator's word to the deploy that runs; it goes on the record with who and why. */
export async function deployOperate(action: Operation['action'], id: string, options: OperateOptions): Promise<number> {
  const environment = await environmentOf(options);
  const operation: Operation = { deploy: id, action, reason: options.reason, by: requestedBy(options.requestedBy) };
  const status = await withTemporal(({ client }) => tell(new DeployClient(client, environment), operation));
  if (status === 'withdrawn') {
    if (options.json) printAs(Withdrawn, { deploy: id, outcome: 'aborted' });
    else print(`withdrawn: deploy ${id} of ${environment} had not begun`);
  } else if (options.json) printAs(DeployStatusJson, status);
  else print(`${WORDS[action].done} ${id} of ${environment}; follow it with \`lockkeeper deploy watch ${id}\``);
  return EXIT.ok;
}

/** To the run, if it is this deploy's; a deploy that still waits is taken back. */
async function tell(deploys: DeployClient, operation: Operation): Promise<DeployStatus | 'withdrawn'> {
  const { deploy, action, reason, by } = operation;
  try {
    return await deploys.operate(operation);
  } catch (error) {
    if (action !== 'abort' || !isLockkeeperError(error, 'DEPLOY_NOT_CURRENT')) throw error;
    await deploys.withdraw({ deploy, reason, by });
    return 'withdrawn';
  }
}

const WORDS: Record<Operation['action'], { name: string; does: string; done: string }> = {
  abort: {
    name: 'abort',
    does: 'end a deploy: its steps are ended and rolled back, its gates open; one that waits is withdrawn',
    done: 'told to end: deploy',
  },
  retryStep: { name: 'retry-step', does: 'run the held step of a deploy again', done: 'its step runs again: deploy' },
  skipStep: { name: 'skip-step', does: 'go on without the held step of a deploy', done: 'its step is skipped: deploy' },
};

export function deployOperateCommands(): Command[] {
  return (['abort', 'retryStep', 'skipStep'] as const).map((action) => {
    const { name, does } = WORDS[action];
    const command = new Command(name)
      .description(does)
      .argument('<id>', 'the deploy')
      .requiredOption('--reason <text>', 'why, for the record')
      .addOption(requestedByOption())
      .addOption(environmentOption())
      .addOption(configOption())
      .addOption(jsonOption())
      .action(exits((id: string, options: OperateOptions) => deployOperate(action, id, options)));
    return withExample(command, `lockkeeper deploy ${name} v42 --reason "the database is at its limit"`);
  });
}
