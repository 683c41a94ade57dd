import type { ConnectionLike } from '@temporalio/client';
import proto from '@temporalio/proto';
import { LockkeeperError, errorMessage } from '../errors.ts';
import { SEARCH_ATTRIBUTES } from '../protocol.ts';

const TYPES = {
  Keyword: proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  Double: proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
} as const;

/**
 * Registers the product's search attributes where they are missing.
 * @throws {LockkeeperError} TEMPORAL_UNREACHABLE when the server does not let us
 */
export async function ensureSearchAttributes(
  connection: Pick<ConnectionLike, 'operatorService'>,
  namespace: string,
): Promise<void> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in (customAttributes ?? {})));
    if (missing.length === 0) return;
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, TYPES[type]])),
    });
  } catch (error) {
    const wanted = Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => `--name ${name} --type ${type}`);
    throw new LockkeeperError(
      'TEMPORAL_UNREACHABLE',
      `the search attributes could not be registered: ${errorMessage(error)}`,
      {
        next: `Register them once by hand: temporal operator search-attribute create ${wanted.join(' ')}`,
        cause: error,
      },
    );
  }
}
