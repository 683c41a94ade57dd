import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkNamed } from './command-line.ts';
import type { Page } from './pages.ts';
import { PROJECT } from './pages.ts';

const PATH = /^(?:src|test|docs|bench|examples|scripts)\/[\w./-]+$/;
const CONSTANT = /^[A-Z]+(?:_[A-Z]+)+$/;
const COMMAND = /^lockkeeper [a-z]/;
/** A variable of each parameter of a plan; the rest of its name is the user's. */
const USERS = /^LOCKKEEPER_PARAMETER_/;

const sources = readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(?:ts|yaml|sql)$/.test(file))
  .map((file) => readFileSync(join(PROJECT, 'src', file), 'utf8'))
  .join('\n');

/** What is named in a text must be there: files, commands and their options, error codes, constants, variables. */
export function checkWords(page: Page): string[] {
  return page.words.flatMap(({ at, text }) => {
    const complaint = checkWord(text);
    return complaint === undefined ? [] : [`${at}: ${complaint}`];
  });
}

function checkWord(text: string): string | undefined {
  if (COMMAND.test(text)) return checkNamed(text);
  if (PATH.test(text) && !['', '.ts', '.test.ts'].some((ending) => existsSync(join(PROJECT, text + ending))))
    return `there is no ${text}`;
  if (CONSTANT.test(text) && !USERS.test(text) && !new RegExp(`\\b${text}\\b`).test(sources))
    return `nothing in the sources is called ${text}`;
  return undefined;
}
