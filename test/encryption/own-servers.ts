import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '../../src/index.ts';
import type { Encryption, Lockkeeper } from '../../src/index.ts';
import { startDev } from '../../src/dev/start.ts';
import type { DevEnvironment } from '../../src/dev/start.ts';
import { migrateLedger } from '../../src/ledger/migrate.ts';
import { SEARCH_ATTRIBUTES } from '../../src/protocol.ts';
import { atEnd } from '../support/at-end.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import { quietLog } from '../support/quiet-log.ts';

const CONFIG = fileURLToPath(new URL('../app/secrets.yaml', import.meta.url));

/** Servers of a test's own, whose files it may look into, and real processes beside them. */
export class OwnServers {
  readonly dev: DevEnvironment;
  readonly dir: string;
  /** Everything that was started writes here. */
  readonly processes: TestProcess[] = [];
  readonly #all = new Processes();
  readonly #mode: 'keyring' | 'plaintext';

  constructor(dir: string, dev: DevEnvironment, mode: 'keyring' | 'plaintext') {
    this.dir = dir;
    this.dev = dev;
    this.#mode = mode;
  }

  /** As `. .lockkeeper/env` says; `keys: false` for whoever has none. */
  env({ keys = true } = {}): Record<string, string> {
    const { temporalAddress, databaseUrl, keyFile } = this.dev;
    return {
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_NAMESPACE: 'default',
      DATABASE_URL: databaseUrl,
      LOCKKEEPER_KEYS: '',
      LOCKKEEPER_KEY_FILE: keys && this.#mode === 'keyring' ? keyFile! : '',
      ENCRYPTION_MODE: this.#mode,
    };
  }

  /** `lockkeeper …`, as it is built. */
  run(args: readonly string[], options: { readonly keys?: boolean } = {}): TestProcess {
    const started = this.#all.node('dist/cli/main.js', args, { env: this.env(options) });
    this.processes.push(started);
    return started;
  }

  async worker(command: 'worker' | 'deploy-worker' = 'worker'): Promise<TestProcess> {
    const started = this.run([command, '--config', CONFIG], { keys: command === 'worker' });
    await started.waitForLine(/worker ready/, { within: 40_000 });
    return started;
  }

  /** A program that starts jobs; open until the test's end. */
  async program(encryption?: Encryption): Promise<Lockkeeper> {
    const program = await connect({
      env: { ...process.env, ...this.env() },
      log: quietLog,
      ...(encryption && { encryption }),
    });
    atEnd(() => program.close());
    return program;
  }

  /** Files of Temporal's database that hold a text, by their names. */
  filesWith(text: string): string[] {
    return readdirSync(this.dir)
      .filter((name) => name.startsWith('temporal.db'))
      .filter((name) => readFileSync(path.join(this.dir, name)).includes(text));
  }

  /** What processes have written that holds a text. */
  outputWith(text: string): string[] {
    const lines = this.processes.flatMap(({ stdout, stderr }) => `${stdout}\n${stderr}`.split('\n'));
    return lines.filter((line) => line.includes(text));
  }
}

export async function startOwnServers(mode: 'keyring' | 'plaintext' = 'keyring'): Promise<OwnServers> {
  const dir = mkdtempSync(path.join(tmpdir(), 'lockkeeper-encryption-'));
  // As root, Postgres runs as somebody else, who must be able to enter it.
  chmodSync(dir, 0o755);
  const env = { ...process.env, LOCKKEEPER_KEYS: '', LOCKKEEPER_KEY_FILE: '', TEMPORAL_ADDRESS: '', DATABASE_URL: '' };
  const dev = await startDev({ dir, env, durable: false, searchAttributes: SEARCH_ATTRIBUTES, log: () => undefined });
  atEnd(async () => {
    await dev.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  await migrateLedger(dev.databaseUrl, quietLog);
  return new OwnServers(dir, dev, mode);
}
