import { Command, Option } from 'commander';
import { DeployClient } from '../../client/deploy-client.ts';
import { isLockkeeperError } from '../../errors.ts';
import type { DeployStatus, Operation } from '../../protocol.ts';
import { withTemporal } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { DeployStatus as DeployStatusJson, Withdrawn } from '../json/deploys.ts';
import { printAs } from '../json/print.ts';
import {
  configOption,
  environmentOption,
  exits,
  jsonOption,
  parseUntil,
  requestedByOption,
  withExample,
} from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { print } from '../terminal.ts';
import { environmentOf, requestedBy } from '../who.ts';

export interface OperateOptions extends EnvironmentOptions, JsonOptions {
  readonly reason: string;
  readonly requestedBy?: string;
  /** An ISO time with its zone. */
  readonly until?: string;
}

/** An operator's word to the deploy that runs; it goes on the record with who and why. */
export async function deployOperate(action: Operation['action'], id: string, options: OperateOptions): Promise<number> {
  const environment = await environmentOf(options);
  const { reason, until } = options;
  const by = requestedBy(options.requestedBy);
  const operation: Operation = { deploy: id, action, reason, by, ...(until !== undefined && { until }) };
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

interface Words {
  readonly name: string;
  readonly does: string;
  readonly done: string;
  /** Of the example: a reason, and what else there is. */
  readonly example: string;
}

const WORDS: Record<Operation['action'], Words> = {
  abort: {
    name: 'abort',
    does: 'end a deploy: its steps are ended and rolled back, its gates open; one that waits is withdrawn',
    done: 'told to end: deploy',
    example: '"the database is at its limit"',
  },
  retryStep: {
    name: 'retry-step',
    does: 'run the step again that is held for a person',
    done: 'its step runs again: deploy',
    example: '"the registry is back"',
  },
  skipStep: {
    name: 'skip-step',
    does: 'go on without the step that is held for a person, or end a `wait` step',
    done: 'its step is skipped: deploy',
    example: '"the work was done, I looked"',
  },
  hold: {
    name: 'hold',
    does: 'stop a deploy before its next step, until `deploy resume`; without it, it fails in time',
    done: 'will be held before its next step: deploy',
    example: '"errors are rising" --until 20m',
  },
  resume: {
    name: 'resume',
    does: 'let a deploy go on that `deploy hold` has stopped, or is to stop',
    done: 'goes on: deploy',
    example: '"it was something else"',
  },
};

export function deployOperateCommands(): Command[] {
  return (['abort', 'retryStep', 'skipStep', 'hold', 'resume'] as const).map((action) => {
    const { name, does, example } = WORDS[action];
    const command = new Command(name)
      .description(does)
      .argument('<id>', 'the deploy')
      .requiredOption('--reason <text>', 'why, for the record');
    if (action === 'hold') {
      command.addOption(
        new Option(
          '--until <time>',
          'when it fails without a word: an ISO time with its zone, or from now on such as 20m (default: `hold` of its plan)',
        ).argParser(parseUntil),
      );
    }
    command
      .addOption(requestedByOption())
      .addOption(environmentOption())
      .addOption(configOption())
      .addOption(jsonOption())
      .action(exits((id: string, options: OperateOptions) => deployOperate(action, id, options)));
    return withExample(command, `lockkeeper deploy ${name} v42 --reason ${example}`);
  });
}
