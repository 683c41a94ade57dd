import { Argument, Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { exits, withExample } from '../options.ts';
import { print } from '../terminal.ts';
import { candidates } from './candidates.ts';
import { latestIds } from './ids.ts';
import { SCRIPTS } from './scripts.ts';
import type { Shell } from './scripts.ts';

export function completionCommand(): Command {
  const command = new Command('completion')
    .description('print the completion script of a shell, for its start-up file')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .action((shell: Shell) => print(SCRIPTS[shell]));
  return withExample(command, 'source <(lockkeeper completion bash)');
}

/** What the scripts call: prints what may stand in the place of the last word, a line each, or `:files`. */
export function completeCommand(program: Command): Command {
  const command = new Command('complete')
    .description('print what may come next on a command line; for the completion scripts')
    .argument('[words...]', 'the words after `lockkeeper`, the last one unfinished')
    .action(exits((words: string[]) => complete(program, words)));
  return withExample(command, 'lockkeeper complete -- deploy sh');
}

async function complete(program: Command, words: readonly string[]): Promise<number> {
  const { typed, prefix } = splitValue(words);
  const found = candidates(program, typed);
  if (found.kind === 'files') {
    print(':files');
    return EXIT.ok;
  }
  const all = found.kind === 'ids' ? await latestIds(found.of, valueOf(words, '--environment')) : found.words;
  const begun = typed.at(-1) ?? '';
  all.filter((word) => word.startsWith(begun)).forEach((word) => print(prefix + word));
  return EXIT.ok;
}

/** `--option=value` as two words; bash has split it into three. What the shell then expects back has `prefix` before it. */
export function splitValue(words: readonly string[]): { typed: readonly string[]; prefix: string } {
  const last = words.at(-1) ?? '';
  if (words.at(-2) === '=') return { typed: [...words.slice(0, -2), last], prefix: '' };
  if (last === '=' && words.at(-2)?.startsWith('--')) return { typed: [...words.slice(0, -1), ''], prefix: '' };
  const [, option, value] = /^(--[\w-]+)=(.*)$/.exec(last) ?? [];
  if (option === undefined || value === undefined) return { typed: words, prefix: '' };
  return { typed: [...words.slice(0, -1), option, value], prefix: `${option}=` };
}

function valueOf(words: readonly string[], option: string): string | undefined {
  const at = words.indexOf(option);
  return at < 0 ? undefined : words[at + 1];
}
