import { Option } from 'commander';
import type { Command } from 'commander';
import {
  configOption,
  environmentOption,
  jsonOption,
  parseDeployId,
  parseMoment,
  parseParameter,
  requestedByOption,
  timeoutOption,
} from '../options.ts';

/** `--id`, for commands that scripts write: the id is said by name. */
export const idOption = () =>
  new Option('--id <id>', 'the deploy; unique, for example with the CI run in it')
    .argParser(parseDeployId)
    .makeOptionMandatory();

/** What every command that asks for a deploy takes. */
export function withRequestOptions(command: Command): Command {
  return command
    .addOption(idOption())
    .option('--plan <name>', 'the plan of lockkeeper.yaml', 'default')
    .option('--version <version>', 'the version that is deployed, for people to read')
    .addOption(new Option('--param <name=value>', 'a parameter of the plan; may be repeated').argParser(parseParameter))
    .addOption(
      new Option(
        '--scheduled-for <time>',
        'take no part in the order before: an ISO time with its zone, such as 2026-03-01T22:00:00+01:00',
      ).argParser(parseMoment),
    )
    .addOption(requestedByOption())
    .addOption(timeoutOption())
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption());
}
