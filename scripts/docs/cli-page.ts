import { Help } from 'commander';
import type { Argument, Command, Option } from 'commander';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { createProgram } from '../../src/cli/program.ts';
import { cell, code, GENERATED } from './markdown.ts';

const INTRODUCTION = `# Command line

Results go to standard output, everything told on the way to standard error; \`--json\` prints JSON for programs. An error is one
line, \`lockkeeper: what is wrong. What to do [CODE]\`, and what belongs to it below; [errors.md](errors.md) has every code.
\`LOCKKEEPER_DEBUG=1\` adds the stack. Durations are a number with a unit (\`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`1d\`) or milliseconds.

Temporal is found as every Temporal tool finds it: \`TEMPORAL_ADDRESS\`, \`TEMPORAL_NAMESPACE\`, \`TEMPORAL_API_KEY\`,
\`TEMPORAL_TLS…\`, or a profile (\`TEMPORAL_PROFILE\`) of \`temporal.toml\` (\`TEMPORAL_CONFIG_FILE\`). The ledger is found by \`DATABASE_URL\`.
`;

export function cliPage(): string {
  const program = createProgram();
  return [GENERATED, INTRODUCTION, exitCodes(), ...leaves(program).map(commandSection)].join('\n\n');
}

function exitCodes(): string {
  const rows = EXIT_CODES.map(({ codes, meaning }) => [codes.join(', '), meaning]);
  return [
    '## Exit codes\n',
    '| exit code | meaning |',
    '| --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');
}

/** Commands that do something, those in groups too. */
function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function commandSection(command: Command): string {
  const help = new Help();
  // Its own --help says nothing about it.
  const options = help.visibleOptions(command).filter((option) => option.long !== '--help');
  const args = help.visibleArguments(command);
  return [
    `## \`${nameOf(command)}\``,
    `${sentence(command.description())}`,
    code('sh', help.commandUsage(command)),
    ...(args.length > 0 ? [argumentTable(args)] : []),
    ...(options.length > 0 ? [optionTable(options)] : []),
    ...afterHelp(command),
  ].join('\n\n');
}

const nameOf = (command: Command): string =>
  command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

const argumentTable = (args: readonly Argument[]) =>
  [
    '| argument | meaning |',
    '| --- | --- |',
    ...args.map((arg) => `| \`${arg.required ? `<${arg.name()}>` : `[${arg.name()}]`}\` | ${cell(arg.description)} |`),
  ].join('\n');

function optionTable(options: readonly Option[]): string {
  return [
    '| option | meaning | default |',
    '| --- | --- | --- |',
    ...options.map((option) => {
      const { meaning, byDefault } = described(option);
      return `| \`${option.flags.replaceAll('|', '\\|')}\` | ${cell(meaning)} | ${cell(byDefault)} |`;
    }),
  ].join('\n');
}

/** Texts that name the default themselves, in words, give it up to its own column. */
function described(option: Option): { meaning: string; byDefault: string } {
  const [, before, inWords] = /^(.*?)(?: \(default: (.*)\))?$/s.exec(option.description)!;
  const extras = [
    ...(option.mandatory ? ['**must be given**'] : []),
    ...(option.argChoices ? [`one of ${option.argChoices.map((choice) => `\`${choice}\``).join(', ')}`] : []),
    ...(option.envVar ? [`also by the variable ${option.envVar}`] : []),
  ];
  const value: unknown = option.defaultValue;
  const plain = value === undefined || typeof value === 'boolean' ? '' : `\`${String(value)}\``;
  return { meaning: [before, ...extras].join('; '), byDefault: inWords ?? option.defaultValueDescription ?? plain };
}

/** What the help says below the options: the example, and remarks. */
function afterHelp(command: Command): string[] {
  let shown = '';
  command.configureOutput({ writeOut: (text) => void (shown += text) });
  command.outputHelp();
  const after = shown.slice(command.helpInformation().length).trim();
  const [, remarks = '', example] = /^(.*?)(?:Example:\n(.*))?$/s.exec(after)!;
  return [
    ...(remarks.trim() === '' ? [] : [remarks.trim()]),
    ...(example === undefined ? [] : [code('sh', example.replaceAll(/^ *\$ /gm, ''))]),
  ];
}
