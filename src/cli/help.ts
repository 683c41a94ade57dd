import { Command, Help } from 'commander';
import { didYouMean } from '../did-you-mean.ts';
import { EXIT_CODES, errorsOf } from './exit-codes.ts';
import { withExample } from './options.ts';
import { print, widthOf } from './terminal.ts';

/** What can be asked for besides the commands themselves. */
const TOPICS: Readonly<Record<string, (width?: number) => string>> = { 'exit-codes': exitCodeTable };

/** As wide as Commander's help where the terminal has no width. */
const WIDTH = 80;

/** What every exit code means, and which errors end with it. */
export function exitCodeTable(width = WIDTH): string {
  const help = new Help();
  help.prepareContext({ helpWidth: width });
  const lines = EXIT_CODES.map(({ codes, meaning }) => {
    const errors = codes.flatMap(errorsOf);
    const says = errors.length === 0 ? meaning : `${meaning} (${errors.join(', ')})`;
    return help.formatItem(codes.join(', '), '130, 143'.length, says, help);
  });
  return ['Exit codes:', ...lines].join('\n');
}

/** `lockkeeper help deploy run` is `lockkeeper deploy run --help`. */
export function helpCommand(program: Command): Command {
  const command = new Command('help')
    .description('show the help of a command, or `help exit-codes`')
    .argument('[words...]', 'the command, or exit-codes')
    .action((words: string[]) => {
      const topic = words.length === 1 ? TOPICS[words[0]!] : undefined;
      if (topic) print(topic(widthOf(process.stdout)));
      else find(program, words).outputHelp();
    });
  return withExample(command, 'lockkeeper help deploy run');
}

function find(program: Command, words: readonly string[]): Command {
  let at = program;
  for (const word of words) {
    const next = at.commands.find((command) => command.name() === word);
    if (!next) return at.error(`error: ${unknownCommand(at, word)}`);
    at = next;
  }
  return at;
}

function unknownCommand(at: Command, word: string): string {
  const known = [...at.commands.map((command) => command.name()), ...(at.parent ? [] : Object.keys(TOPICS))];
  const meant = didYouMean(word, known);
  return `unknown command '${word}'${meant === undefined ? '' : ` (Did you mean ${meant}?)`}`;
}
