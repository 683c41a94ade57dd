import { Command, Option } from 'commander';
import { withJobs } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { Board, boardJson } from '../json/board.ts';
import { printAs } from '../json/print.ts';
import { configOption, environmentOption, exits, jsonOption, parseDuration, withExample } from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { paintFor, print, widthOf } from '../terminal.ts';
import { environmentOf } from '../who.ts';
import { readBoard } from './read.ts';
import { boardScreen } from './screen.ts';
import { watchBoard } from './watch.ts';

export interface BoardOptions extends EnvironmentOptions, JsonOptions {
  readonly watch?: boolean;
  /** Milliseconds. */
  readonly interval: number;
}

/** Shows everything of an environment on one screen, once or again and again. */
export async function board(options: BoardOptions): Promise<number> {
  const environment = await environmentOf(options);
  if (options.watch) return watchBoard(environment, options);
  const found = await withJobs((connections) => readBoard(connections, environment));
  if (options.json) printAs(Board, boardJson(found));
  else print(boardScreen(found, paintFor(process.stdout), { width: widthOf(process.stdout) }).join('\n'));
  return EXIT.ok;
}

/** More would be work for the servers and nothing for the eye, milliseconds. */
const FASTEST = 200;
const parseInterval = (text: string) => Math.max(FASTEST, parseDuration(text));

export function boardCommand(): Command {
  const command = new Command('board')
    .description('one screen: deploys, gates, jobs, workers')
    .option('--watch', 'keep it up to date until Ctrl-C; without a terminal, print it whenever it has changed')
    .addOption(
      new Option('--interval <duration>', 'with --watch: how often to look')
        .argParser(parseInterval)
        .default(2_000, '2s'),
    )
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(board));
  return withExample(command, 'lockkeeper board --environment production --watch');
}
