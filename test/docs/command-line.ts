import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';

/** Thrown in place of what a command does: its line was understood. */
class Understood extends Error {}

/** What the real program finds wrong with a command line, without running it; undefined: nothing. */
export async function checkCommandLine(argv: readonly string[]): Promise<string | undefined> {
  let said = '';
  const program = createProgram();
  const quiet = (command: Command) => {
    const keep = (text: string) => void (said += text);
    command.configureOutput({ writeOut: keep, writeErr: keep });
    command.commands.forEach(quiet);
  };
  quiet(program);
  program.hook('preAction', (_program, command) => {
    checkInput(command);
    throw new Understood();
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    throw new Error('it does nothing');
  } catch (error) {
    if (error instanceof Understood || (error as { exitCode?: unknown }).exitCode === 0) return undefined;
    return `\`lockkeeper ${argv.join(' ')}\`: ${said.trim().split('\n')[0] || String(error)}`;
  }
}

/** Commander knows nothing of what stands in an option. */
function checkInput(command: Command): void {
  const { input } = command.opts<{ input?: string }>();
  if (input !== undefined) JSON.parse(input);
}

/** The same for a command that is only named, with or without its options: `job release --from`. */
export function checkNamed(text: string): string | undefined {
  let command: Command = createProgram();
  const words = text.split(/\s+/).slice(1);
  for (const word of words) {
    const inner = command.commands.find((candidate) => candidate.name() === word);
    if (inner) command = inner;
    else if (command.commands.length > 0 && /^[a-z][a-z-]*$/.test(word)) return `\`${text}\`: there is no ${word}`;
  }
  const known = [...command.options.map(({ long }) => long), '--help', '--version'];
  // What stands behind `--` is somebody else's.
  const flags = words.slice(0, words.includes('--') ? words.indexOf('--') : undefined);
  const wrong = flags.find((word) => word.startsWith('--') && !known.includes(word.split('=')[0]));
  return wrong === undefined ? undefined : `\`${text}\`: there is no ${wrong}`;
}
