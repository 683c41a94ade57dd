import { readFileSync } from 'node:fs';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { temporalConfig } from '../../client/temporal-config.ts';
import { problemsOfSettings, refuseProblems, splitTokens } from '../../codec-server/index.ts';
import type { CodecServerSettings } from '../../codec-server/index.ts';
import { codecServerConfig, loadConfig, nearestConfigFile } from '../../config/index.ts';
import type { CodecServerConfig } from '../../config/index.ts';
import { expectEncryption, findEncryption } from '../../crypto/encryption.ts';
import type { EncryptionSettings } from '../../crypto/encryption.ts';
import type { Keyring } from '../../crypto/keyring.ts';
import { errorMessage, isLockkeeperError } from '../../errors.ts';
import type { ConfigOptions } from '../options.ts';

export interface CodecServerOptions extends ConfigOptions {
  readonly address?: string;
  readonly port?: number;
  readonly origin?: readonly string[];
  readonly namespace?: readonly string[];
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly plainHttp?: boolean;
}

/**
 * The command line, then `codecServer` of the config, where there is one: the server needs no jobs, and so no config.
 * @throws {LockkeeperError} USAGE, with everything that is wrong
 */
export async function readSettings(
  options: CodecServerOptions,
  env: NodeJS.ProcessEnv = process.env,
): Promise<CodecServerSettings> {
  const file = options.config ?? nearestConfigFile();
  const loaded = file === undefined ? undefined : await loadConfig(file, env);
  const config = loaded?.codecServer ?? codecServerConfig();
  const problems: string[] = [];
  const read = <T>(part: () => T): T | undefined => {
    try {
      return part();
    } catch (error) {
      problems.push(isLockkeeperError(error) ? error.message : errorMessage(error));
      return undefined;
    }
  };

  const tokensFrom = options.tokenFile ?? config.tokenFile;
  const tokens = read(() => splitTokens(tokensFrom === undefined ? (env[config.tokenEnv] ?? '') : text(tokensFrom)));
  const tls = read(() => readTls(options, config));
  const namespaces = options.namespace ?? config.namespaces ?? read(() => [temporalConfig(env).namespace]);
  const keyring = read(() => readKeyring(env, loaded?.encryption));
  const settings = {
    address: options.address ?? config.address,
    port: options.port ?? config.port,
    origins: options.origin ?? config.origins,
    accessTokens: config.accessTokens,
    plainHttp: options.plainHttp ?? config.plainHttp,
    tokens: tokens ?? [],
    namespaces: namespaces ?? [],
    tls,
  };
  // What could not be read is told already.
  const found = tokens && namespaces ? problemsOfSettings(settings, tokensFrom ?? config.tokenEnv) : [];
  refuseProblems([...problems, ...found]);
  return { ...settings, keyring: keyring! };
}

function readKeyring(env: NodeJS.ProcessEnv, settings: EncryptionSettings | undefined): Keyring {
  const encryption = expectEncryption(findEncryption(env, settings));
  if (encryption !== 'plaintext') return encryption;
  throw new Error(
    'nothing is encrypted (encryption.mode is plaintext), so there is nothing for a codec server to show',
  );
}

function readTls(options: CodecServerOptions, { tls }: CodecServerConfig): CodecServerSettings['tls'] {
  const certFile = options.tlsCert ?? tls?.cert;
  const keyFile = options.tlsKey ?? tls?.key;
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) throw new Error('TLS needs both a certificate and its key');
  const cert = text(certFile);
  const key = text(keyFile);
  const certificate = pem(certFile, () => new X509Certificate(cert));
  const privateKey = pem(keyFile, () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) throw new Error(`${keyFile} is not the key of ${certFile}`);
  return { cert, key };
}

function pem<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new Error(`${file} does not hold what is expected, in PEM`);
  }
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file} cannot be read: ${errorMessage(error)}`);
  }
}
