import { Command, InvalidArgumentError } from 'commander';
import { addKey } from '../../crypto/add-key.ts';
import { KEY_ID, generateKey } from '../../crypto/keyring.ts';
import { EXIT } from '../exit-codes.ts';
import { GeneratedKey } from '../json/keys.ts';
import { printAs } from '../json/print.ts';
import { exits, jsonOption, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { print } from '../terminal.ts';

export interface KeysGenerateOptions extends JsonOptions {
  readonly id?: string;
  readonly file?: string;
}

/** Makes a key: prints it, or adds it to a file, whose first one encrypts. */
export function keysGenerate({ id = today(), file, json }: KeysGenerateOptions): Promise<number> {
  if (file === undefined) {
    const key = generateKey(id);
    if (json) printAs(GeneratedKey, { id, key });
    else print(key);
  } else {
    addKey(file, id);
    if (json) printAs(GeneratedKey, { id, file });
    else print(`key ${id} is the first one of ${file}: what starts from now on encrypts by it`);
  }
  return Promise.resolve(EXIT.ok);
}

function parseKeyId(text: string): string {
  if (KEY_ID.test(text)) return text;
  throw new InvalidArgumentError('Use letters, digits, ".", "_" and "-", at most 64, and not `none`.');
}

/** Keys are told apart by when they were made. */
const today = (): string => `key-${new Date().toISOString().slice(0, 10)}`;

export function keysGenerateCommand(): Command {
  const command = new Command('generate')
    .description('make a key and print it, or put it in front of those of a file')
    .option('--id <id>', 'what it is called (default: key- and the date)', parseKeyId)
    .option('--file <file>', 'the key file to add it to; made when it is not there, for nobody else to read')
    .addOption(jsonOption())
    .action(exits(keysGenerate));
  return withExample(command, 'lockkeeper keys generate --file lockkeeper.keys');
}
