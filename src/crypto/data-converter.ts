import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import { expectEncryption, findEncryption } from './encryption.ts';
import type { Encryption } from './encryption.ts';
import { EncryptionCodec, PlaintextCodec } from './payload-codec.ts';

/** Sends errors as payloads; for bundles of workflows, too. */
export const FAILURE_CONVERTER = fileURLToPath(
  import.meta.resolve(`../protocol/failure-converter${extname(import.meta.url)}`),
);

export interface DataConverterOptions {
  /** The Temporal namespace; what is encrypted for one cannot be read in another. */
  readonly namespace: string;
  /** LOCKKEEPER_KEY_FILE or LOCKKEEPER_KEYS unless given. */
  readonly encryption?: Encryption | undefined;
}

/**
 * For a Temporal Client or Worker of your own that reads or writes what lockkeeper's workers encrypt: results of your own
 * workflows, their inputs, signals and queries.
 * @throws {LockkeeperError} KEYRING_MISSING, KEYRING_INVALID
 * @example const client = new Client({ connection, dataConverter: lockkeeperDataConverter({ namespace: 'default' }) });
 */
export function lockkeeperDataConverter({ namespace, encryption }: DataConverterOptions): DataConverter {
  const known = expectEncryption(encryption ?? findEncryption());
  if (known === 'plaintext') return { payloadCodecs: [new PlaintextCodec()] };
  return {
    payloadCodecs: [new EncryptionCodec(known, namespace)],
    failureConverterPath: FAILURE_CONVERTER,
  };
}

/** How a Client or Worker encrypts that was given {@link lockkeeperDataConverter}. */
export function encryptionIn(codecs: readonly PayloadCodec[] = []): Encryption | undefined {
  if (codecs.some((codec) => codec instanceof PlaintextCodec)) return 'plaintext';
  return codecs.find((one) => one instanceof EncryptionCodec)?.keyring;
}

/** Codecs of others. */
export const othersIn = (codecs: readonly PayloadCodec[] = []): PayloadCodec[] =>
  codecs.filter((codec) => !(codec instanceof EncryptionCodec || codec instanceof PlaintextCodec));
