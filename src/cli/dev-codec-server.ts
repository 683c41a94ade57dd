import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Keyring } from '../crypto/keyring.ts';
import type { WebUiFront } from '../dev/start.ts';
import { createLogger } from '../log.ts';

const TOKEN_BYTES = 32;

export interface DevCodecServer extends WebUiFront {
  readonly token: string;
  /** Logs the first browser in that opens it. */
  readonly loginLink: () => string;
}

export interface DevCodecServerOptions {
  readonly dir: string;
  readonly keyring: Keyring;
  readonly namespace: string;
  readonly port: number | undefined;
}

/**
 * The codec server of `lockkeeper dev`, with the Web UI behind it at one address: a browser that has opened the link of the
 * terminal reads payloads there, and nobody else does: no other user of this machine, no page of another address.
 */
export async function startDevCodecServer({
  dir,
  keyring,
  namespace,
  port,
}: DevCodecServerOptions): Promise<DevCodecServer> {
  const { startCodecServer } = await import('../codec-server/index.ts');
  const token = await tokenOf(dir);
  const log = createLogger();
  const server = await startCodecServer({
    address: '127.0.0.1',
    port: port ?? 0,
    keyring,
    tokens: [token],
    origins: [],
    namespaces: [namespace],
    plainHttp: false,
    inFrontOfWebUi: true,
    // A terminal of a developer, not an access log.
    log: { debug: nothing, info: nothing, warn: log.warn.bind(log), error: log.error.bind(log) },
  });
  const { loginLink, showWebUi, close } = server;
  return { token, loginLink, showWebUi, close, codecEndpoint: server.url, url: new URL(server.url).origin };
}

const nothing = () => undefined;

/** Kept with the state, so that a browser stays logged in when it is started again. */
async function tokenOf(dir: string): Promise<string> {
  const file = join(dir, 'codec-token');
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    await writeFile(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
    return token;
  }
}
