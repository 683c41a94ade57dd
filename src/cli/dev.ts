import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import type { DevEnvironment, WebUiFrontOptions } from '../dev/start.ts';
import { findEncryption, keyringOf } from '../crypto/encryption.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { LockkeeperError } from '../errors.ts';
import { checkDatabaseUrl } from '../ledger/database-url.ts';
import { createLogger } from '../log.ts';
import { SEARCH_ATTRIBUTES } from '../protocol.ts';
import { startDevCodecServer } from './dev-codec-server.ts';
import type { DevCodecServer } from './dev-codec-server.ts';
import { EXIT } from './exit-codes.ts';
import { DevAddresses } from './json/others.ts';
import { printLineAs } from './json/print.ts';
import { exits, jsonOption, parsePort, withExample } from './options.ts';
import type { JsonOptions } from './options.ts';
import { shellQuoted, shellWord } from '../shell.ts';
import { stopOnSignals } from './signals.ts';
import { print, tell } from './terminal.ts';

export interface DevOptions extends JsonOptions {
  readonly dir: string;
  readonly temporalPort: number;
  readonly uiPort: number;
  readonly postgresPort: number;
}

/** Keeps the process alive when neither server is a child of it, milliseconds. */
const A_DAY = 86_400_000;

/** Runs a Temporal server and a Postgres until Ctrl-C. */
export async function dev(options: DevOptions): Promise<number> {
  if (process.env['DATABASE_URL']) checkDatabaseUrl(process.env['DATABASE_URL']);
  const { startDev } = await import('../dev/start.ts');
  const { migrateLedger } = await import('../ledger/migrate.ts');
  let codecServer: DevCodecServer | undefined;
  const environment = await startDev({
    ...options,
    log: tell,
    searchAttributes: SEARCH_ATTRIBUTES,
    webUiFront: async (front) =>
      (codecServer = await startDevCodecServer({ ...front, dir: options.dir, keyring: keyringIn(front) })),
  });
  const alive = setInterval(() => undefined, A_DAY);
  try {
    await migrateLedger(environment.databaseUrl, createLogger());
    const { signal } = stopOnSignals();
    // It holds the password, and the token.
    await writeFile(envFile(options.dir), envText(environment, codecServer), { mode: 0o600 });
    const loginUrl = codecServer?.loginLink();
    if (options.json) printLineAs(DevAddresses, { ...environment, ...(loginUrl !== undefined && { loginUrl }) });
    else print(describeDev({ ...environment, loginUrl }, options.dir));
    if (!signal.aborted) await once(signal, 'abort');
    tell('stopping');
  } finally {
    clearInterval(alive);
    await rm(envFile(options.dir), { force: true });
    await environment.stop();
  }
  return EXIT.ok;
}

/** The keys of those who work with these servers. */
function keyringIn({ keyFile }: WebUiFrontOptions): Keyring {
  const keyring = keyringOf(
    findEncryption({ ...process.env, ...(keyFile !== undefined && { LOCKKEEPER_KEY_FILE: keyFile }) }),
  );
  if (keyring) return keyring;
  throw new LockkeeperError('KEYRING_MISSING', 'there are no keys', { next: 'Give them in LOCKKEEPER_KEYS' });
}

/** Where everything is. The password stands only in the line that is there to be copied. */
export function describeDev(environment: DevEnvironment & { loginUrl?: string | undefined }, dir: string): string {
  const { temporalAddress, namespace, uiUrl, loginUrl, keyFile } = environment;
  const url = new URL(environment.databaseUrl);
  return [
    `Temporal   ${temporalAddress}, namespace ${namespace}`,
    ...(uiUrl === undefined ? [] : [`Web UI     ${uiUrl}`]),
    ...(loginUrl === undefined ? [] : [`login      ${loginUrl}`, LOGIN_HINT]),
    `Postgres   ${url.host}${url.pathname}`,
    ...(keyFile === undefined ? [] : [`keys       ${keyFile}`]),
    `state      ${dir}`,
    '',
    `Copy this into the shell of your workers, or type \`. ${shellWord(envFile(dir))}\` there:`,
    '',
    ...exportLines(environment),
    '',
    'Ctrl-C stops it; the state stays.',
  ].join('\n');
}

const LOGIN_HINT = '           opened once, within ten minutes, it lets a browser read there what is encrypted';

/** What a shell needs to know to reach the servers. */
const exportLines = ({ temporalAddress, namespace, databaseUrl, keyFile }: DevEnvironment) => [
  `export TEMPORAL_ADDRESS=${shellQuoted(temporalAddress)}`,
  ...(namespace === 'default' ? [] : [`export TEMPORAL_NAMESPACE=${shellQuoted(namespace)}`]),
  `export DATABASE_URL=${shellQuoted(databaseUrl)}`,
  ...(keyFile === undefined ? [] : [`export LOCKKEEPER_KEY_FILE=${shellQuoted(keyFile)}`]),
];

/** The same lines; and by the last two `temporal` in that shell reads what is encrypted. */
function envText(environment: DevEnvironment, codecServer: DevCodecServer | undefined): string {
  const lines = [
    ...exportLines(environment),
    ...(codecServer
      ? [
          `export TEMPORAL_CODEC_ENDPOINT=${shellQuoted(codecServer.codecEndpoint)}`,
          `export TEMPORAL_CODEC_AUTH=${shellQuoted(`Bearer ${codecServer.token}`)}`,
        ]
      : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** They are a file for as long as the servers run. */
const envFile = (dir: string) => join(dir, 'env');

export function devCommand(): Command {
  const command = new Command('dev')
    .description('run a Temporal server and a Postgres for development')
    .option('--dir <directory>', 'where they keep their state', '.lockkeeper')
    .option('--temporal-port <port>', 'port of Temporal; 0: a free one', parsePort, 7233)
    .option('--ui-port <port>', "port of Temporal's Web UI", parsePort, 8233)
    .option('--postgres-port <port>', 'port of Postgres', parsePort, 5433)
    .addOption(jsonOption())
    .action(exits(dev));
  return withExample(command, 'lockkeeper dev --dir ~/.local/share/lockkeeper');
}
