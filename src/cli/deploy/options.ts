import { Option } from 'commander';
import type { Command } from 'commander';
import {
  configOption,
  environmentOption,
  jsonOption,
  parseDeployId,
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
    .addOption(requestedByOption())
    .addOption(timeoutOption())
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption());
}
