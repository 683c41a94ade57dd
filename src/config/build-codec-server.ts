import { resolve } from 'node:path';
import { CODEC_SERVER_ADDRESS, CODEC_SERVER_PORT, CODEC_SERVER_TOKEN_ENV } from '../defaults.ts';
import type { CodecServerConfig } from './config.ts';
import type { ParsedConfig } from './schema/config.ts';

/** What holds where there is no config: it reads payloads, and needs to know no job. */
export const codecServerConfig = (): CodecServerConfig => buildCodecServer(undefined, process.cwd());

export function buildCodecServer(parsed: ParsedConfig['codecServer'], directory: string): CodecServerConfig {
  const { namespaces, tls, accessTokens, tokenFile } = parsed ?? {};
  return {
    address: parsed?.address ?? CODEC_SERVER_ADDRESS,
    port: parsed?.port ?? CODEC_SERVER_PORT,
    origins: parsed?.origins ?? [],
    ...(namespaces && { namespaces }),
    ...(tls && { tls: { cert: resolve(directory, tls.cert), key: resolve(directory, tls.key) } }),
    plainHttp: parsed?.plainHttp ?? false,
    tokenEnv: parsed?.tokenEnv ?? CODEC_SERVER_TOKEN_ENV,
    ...(accessTokens && { accessTokens }),
    ...(tokenFile !== undefined && { tokenFile: resolve(directory, tokenFile) }),
  };
}
