import type { Command, Option } from 'commander';

/** What may stand at a place of the command line. */
export type Candidates =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'files' }
  /** Ids that only ledger or server know. */
  | { readonly kind: 'ids'; readonly of: 'job' | 'graph' | 'deploy' };

const words = (of: readonly string[]): Candidates => ({ kind: 'words', words: of });
const FILES: Candidates = { kind: 'files' };

/** What may stand in the place of the last of `typed`, the words after the program's name. Pure. */
export function candidates(program: Command, typed: readonly string[]): Candidates {
  // Behind it stands somebody else's command.
  if (typed.slice(0, -1).includes('--')) return FILES;
  const place = placeOf(program, typed.slice(0, -1));
  if (place.value) return valuesOf(place.value);
  if (typed.at(-1)?.startsWith('-')) return words(optionsOf(place.command));
  if (place.command.commands.length > 0)
    return words(place.command.createHelp().visibleCommands(place.command).map(nameOf));
  return argumentOf(place.command, place.operands);
}

const nameOf = (command: Command) => command.name();

interface Place {
  readonly command: Command;
  /** Operands of the command that stand before. */
  readonly operands: number;
  /** The option whose value stands here. */
  readonly value: Option | undefined;
}

function placeOf(program: Command, before: readonly string[]): Place {
  let command = program;
  let operands = 0;
  let value: Option | undefined;
  for (const word of before) {
    if (value) value = undefined;
    else if (word.startsWith('-')) value = takingValue(command, word);
    else {
      const next = command.commands.find((sub) => sub.name() === word);
      if (next) command = next;
      else operands += 1;
    }
  }
  return { command, operands, value };
}

function takingValue(command: Command, word: string): Option | undefined {
  const option = command.options.find(({ long, short }) => word === long || word === short);
  return option?.required || option?.optional ? option : undefined;
}

function valuesOf({ argChoices, flags }: Option): Candidates {
  if (argChoices) return words(argChoices);
  return /<(file|directory)>/.test(flags) ? FILES : words([]);
}

const optionsOf = (command: Command) =>
  command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long }) => (long === undefined || long === null ? [] : [long]));

function argumentOf(command: Command, operands: number): Candidates {
  const all = command.registeredArguments;
  const argument = all[operands] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined);
  if (argument?.argChoices) return words(argument.argChoices);
  const room = command.parent?.name();
  if (argument?.name() === 'id' && (room === 'job' || room === 'graph' || room === 'deploy'))
    return { kind: 'ids', of: room };
  return words([]);
}
