import type { DataConverter } from '@temporalio/common';
import type { WorkerOptions } from '@temporalio/worker';
import { FAILURE_CONVERTER, encryptionIn, lockkeeperDataConverter, othersIn } from '../crypto/data-converter.ts';
import { expectEncryption, findEncryption } from '../crypto/encryption.ts';
import type { Encryption } from '../crypto/encryption.ts';
import { LockkeeperError } from '../errors.ts';

/**
 * How a Worker that a user has set up is to encrypt: as was said to us, or by its data converter, or by the environment.
 * @throws {LockkeeperError} KEYRING_MISSING, KEYRING_INVALID
 */
export const encryptionFor = ({ dataConverter }: Pick<WorkerOptions, 'dataConverter'>, said?: Encryption): Encryption =>
  expectEncryption(said ?? encryptionIn(dataConverter?.payloadCodecs) ?? findEncryption());

/**
 * Its data converter with the encryption around it: codecs of the user's own come first when something is sent, and last when
 * it is read.
 * @throws {LockkeeperError} SETTING_BREAKS_LAW when errors would be readable
 */
export function withEncryption(
  given: DataConverter | undefined,
  encryption: Encryption,
  namespace: string,
): DataConverter {
  const { failureConverterPath = FAILURE_CONVERTER, payloadCodecs } = given ?? {};
  if (encryption !== 'plaintext' && failureConverterPath !== FAILURE_CONVERTER)
    throw new LockkeeperError(
      'SETTING_BREAKS_LAW',
      `dataConverter.failureConverterPath is ${failureConverterPath}, and with it the messages of errors would be readable`,
      { next: 'Leave it out, or serve your workflows on another task queue; payload codecs may stay' },
    );
  const own = lockkeeperDataConverter({ namespace, encryption });
  return { ...given, ...own, payloadCodecs: [...othersIn(payloadCodecs), ...(own.payloadCodecs ?? [])] };
}
