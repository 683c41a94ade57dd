import { Command } from 'commander';
import { loadConfig, nearestConfigFile } from '../../config/index.ts';
import { expectEncryption, findEncryption, keyringOf, keySource } from '../../crypto/encryption.ts';
import { keysInUse } from '../../ledger/keys.ts';
import type { KeyInUse } from '../../ledger/keys.ts';
import { withLedger } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { ListedKeys } from '../json/keys.ts';
import { printAs } from '../json/print.ts';
import { configOption, exits, jsonOption, withExample } from '../options.ts';
import type { ConfigOptions, JsonOptions } from '../options.ts';
import { table } from '../table.ts';
import { print } from '../terminal.ts';

/** A key of the keyring, or one that the ledger needs and the keyring does not have. */
export interface ListedKey {
  readonly id: string;
  readonly encrypts: boolean;
  readonly inKeyring: boolean;
  /** Undefined when no ledger was asked. */
  readonly checkpoints: number | undefined;
  readonly texts: number | undefined;
}

/** The keys there are, and what the ledger holds of each; nothing of a secret. */
export async function keysList(options: ConfigOptions & JsonOptions): Promise<number> {
  const file = options.config ?? nearestConfigFile();
  const settings = file === undefined ? undefined : (await loadConfig(file)).encryption;
  const keyring = keyringOf(expectEncryption(findEncryption(process.env, settings)));
  const source = keySource(process.env, settings);
  const ids = keyring?.ids ?? [];
  const used = process.env['DATABASE_URL'] ? await withLedger(keysInUse) : undefined;
  const from = source && ('file' in source ? source.file : source.from);
  const keys = listKeys(ids, used);
  const plaintext = used?.find(({ keyId }) => keyId === PLAINTEXT);
  if (options.json) printAs(ListedKeys, { ...(from !== undefined && { from }), keys, ...(plaintext && { plaintext }) });
  else print(describeKeys(from, keys, plaintext));
  return EXIT.ok;
}

/** As the ledger calls what is not encrypted. */
const PLAINTEXT = 'none';

export function listKeys(ids: readonly string[], used: readonly KeyInUse[] | undefined): ListedKey[] {
  const missing = (used ?? []).map(({ keyId }) => keyId).filter((id) => id !== PLAINTEXT && !ids.includes(id));
  return [...ids, ...missing].map((id, i) => {
    const rows = used && (used.find(({ keyId }) => keyId === id) ?? { checkpoints: 0, texts: 0 });
    return {
      id,
      encrypts: i === 0 && ids.length > 0,
      inKeyring: ids.includes(id),
      checkpoints: rows?.checkpoints,
      texts: rows?.texts,
    };
  });
}

export function describeKeys(
  from: string | undefined,
  keys: readonly ListedKey[],
  plaintext: KeyInUse | undefined,
): string {
  const missing = keys.filter(({ inKeyring }) => !inKeyring).map(({ id }) => id);
  return [
    from === undefined ? 'there are no keys: nothing is encrypted (encryption.mode is plaintext)' : `keys of ${from}`,
    ...(keys.length === 0
      ? []
      : [
          table(
            ['KEY', 'IS', 'SAVED STATES', 'TEXTS'],
            keys.map((key) => [key.id, whatIs(key), key.checkpoints, key.texts]),
          ),
        ]),
    ...(missing.length === 0
      ? []
      : [
          `The ledger has what ${missing.join(', ')} encrypted, and it is not in the keyring: put it back, behind the others.`,
        ]),
    ...(plaintext && from !== undefined
      ? [
          `${plaintext.checkpoints} saved states are not encrypted: \`encryption.acceptPlaintext: true\`, then \`lockkeeper keys rotate\`.`,
        ]
      : []),
  ].join('\n');
}

function whatIs({ encrypts, inKeyring, checkpoints, texts }: ListedKey): string {
  if (!inKeyring) return 'missing';
  if (encrypts) return 'encrypts';
  return checkpoints === 0 && texts === 0 ? 'decrypts, unused in the ledger' : 'decrypts';
}

export function keysListCommand(): Command {
  const command = new Command('list')
    .description('the keys there are, which one encrypts, and how much of the ledger each still decrypts')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(keysList));
  return withExample(command, 'lockkeeper keys list');
}
