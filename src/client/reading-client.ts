import { Client } from '@temporalio/client';
import { FAILURE_CONVERTER, encryptionIn, othersIn } from '../crypto/data-converter.ts';
import { keyringOf } from '../crypto/encryption.ts';
import type { Encryption } from '../crypto/encryption.ts';
import { EncryptionCodec } from '../crypto/payload-codec.ts';
import { ReadingCodec } from '../crypto/reading-codec.ts';

/** How a client that was given the data converter of lockkeeper encrypts. */
export const encryptionOf = (client: Client): Encryption | undefined =>
  encryptionIn(client.options.loadedDataConverter.payloadCodecs);

/**
 * The same client, for jobs: encrypts what it sends, and reads what it has the keys for. Codecs of others stay, within the
 * encryption.
 */
export function readingClient(client: Client, encryption: Encryption | undefined): Client {
  const { connection } = client;
  const { namespace, identity, interceptors, dataConverter, loadedDataConverter } = client.options;
  const keyring = keyringOf(encryption);
  return new Client({
    connection,
    namespace,
    identity,
    ...(interceptors && { interceptors }),
    dataConverter: {
      ...dataConverter,
      ...(encryption !== 'plaintext' && { failureConverterPath: FAILURE_CONVERTER }),
      payloadCodecs: [
        ...othersIn(loadedDataConverter.payloadCodecs),
        new ReadingCodec(keyring && new EncryptionCodec(keyring, namespace)),
      ],
    },
  });
}

/** The same client without any codec, for deploys: their workflows, and whoever asks them, have no keys. */
export function plainClient({ connection, options: { namespace, identity, interceptors } }: Client): Client {
  return new Client({ connection, namespace, identity, ...(interceptors && { interceptors }) });
}
