import { isIP } from 'node:net';
import type { Keyring } from '../crypto/keyring.ts';
import { LockkeeperError } from '../errors.ts';
import { isOrigin, ORIGIN } from '../origin.ts';
import type { AccessTokenRules } from './access-tokens.ts';
import { problemsOfTokens } from './tokens.ts';

export interface CodecServerSettings {
  readonly address: string;
  /** 0: a free one. */
  readonly port: number;
  readonly keyring: Keyring;
  readonly tokens: readonly string[];
  /** Of the Web UIs that may ask, such as `https://temporal.example.com`; exact, nothing stands for several. */
  readonly origins: readonly string[];
  readonly namespaces: readonly string[];
  readonly accessTokens?: AccessTokenRules | undefined;
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Listens beyond this machine without TLS: a proxy in front of it, which must be the only one to reach it, has that. */
  readonly plainHttp: boolean;
}

/** Everything that is wrong with the settings, one a line. `tokensFrom` says where the tokens are from. */
export function problemsOfSettings(settings: Omit<CodecServerSettings, 'keyring'>, tokensFrom: string): string[] {
  const { address, tls, plainHttp, origins, namespaces, tokens } = settings;
  return [
    ...problemsOfTokens(tokens, tokensFrom),
    ...(isLoopback(address) || tls || plainHttp
      ? []
      : [
          `the address ${address} is not of this machine alone, and there is no TLS: whoever sees the network could read every ` +
            'payload and token. Give a certificate and its key, or say that a proxy in front of it has TLS, by `plainHttp: true` or --plain-http',
        ]),
    ...origins.flatMap((origin) => (isOrigin(origin) ? [] : [`the origin ${origin} is none: expected ${ORIGIN}`])),
    ...(namespaces.length === 0 ? ['no namespace is named whose payloads may be decoded'] : []),
  ];
}

/** @throws {LockkeeperError} USAGE, with all the problems */
export function refuseProblems(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const many = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  throw new LockkeeperError('USAGE', `the codec server cannot be started for ${many}\n${problems.join('\n')}`);
}

/** Whether only this machine can reach it. */
export function isLoopback(address: string): boolean {
  if (address === 'localhost' || address === '::1') return true;
  return isIP(address) === 4 && address.startsWith('127.');
}
