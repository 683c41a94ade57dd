import { NativeConnection } from '@temporalio/worker';
import type { TemporalConnection } from '../client/connection.ts';
import { LockkeeperError, errorMessage } from '../errors.ts';

/**
 * The connection by which a worker polls: another implementation than the client's, with the same configuration.
 * @throws {LockkeeperError} TEMPORAL_UNREACHABLE
 */
export async function connectNative({ connectionOptions }: TemporalConnection): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(connectionOptions);
  } catch (error) {
    throw new LockkeeperError(
      'TEMPORAL_UNREACHABLE',
      `the client reaches Temporal, and the worker's own connection does not: ${errorMessage(error)}`,
      {
        next: 'Try again; if it stays so, look at the TLS settings of Temporal and what stands in between',
        cause: error,
      },
    );
  }
}
