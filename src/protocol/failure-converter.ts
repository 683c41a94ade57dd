import { ApplicationFailure, DefaultFailureConverter } from '@temporalio/common';
import type { FailureConverter, PayloadConverter, ProtoFailure, SerializationContext } from '@temporalio/common';
import { isUnreadable, PAYLOAD_UNREADABLE } from './payloads.ts';

/** Stands in the code of every bundle whose workflows send their errors as payloads; by it a worker knows such a bundle. */
export const ENCODES_FAILURES = 'lockkeeper: failures are encoded';

/** Until a task whose key is missing is tried again, by this worker or another: what waits for a key does not spin. */
const UNREADABLE_AGAIN_AFTER = '10s';

const plain = new DefaultFailureConverter();

/**
 * Messages and stack traces of errors may hold whatever a job was working on: they become payloads, which are encrypted. That
 * a key is missing is told in plain words, to those who lack it.
 */
class EncodingFailureConverter extends DefaultFailureConverter {
  constructor() {
    super({ encodeCommonAttributes: true });
  }

  override errorToFailure(error: unknown, converter: PayloadConverter, context?: SerializationContext): ProtoFailure {
    if (!isOfKeys(error)) return super.errorToFailure(error, converter, context);
    const later = ApplicationFailure.fromError(error, { nextRetryDelay: UNREADABLE_AGAIN_AFTER });
    return plain.errorToFailure(later, converter, context);
  }

  override failureToError(failure: ProtoFailure, converter: PayloadConverter, context?: SerializationContext): Error {
    const { encodedAttributes, ...rest } = failure;
    const attributes: unknown = encodedAttributes && converter.fromPayload(encodedAttributes, context);
    if (!isUnreadable(attributes)) return super.failureToError(failure, converter, context);
    const message = `what it says is encrypted: ${attributes.lockkeeperUnreadable.message}`;
    return super.failureToError({ ...rest, message }, converter, context);
  }
}

/** A payload that could not be decrypted, as it was thrown or as the SDK has made a failure of it. */
const isOfKeys = (error: unknown): error is Error =>
  error instanceof Error &&
  (error.constructor.name === PAYLOAD_UNREADABLE ||
    (error instanceof ApplicationFailure && error.type === PAYLOAD_UNREADABLE));

/** Found under this name by the SDK, in workers, clients and bundles alike. */
export const failureConverter: FailureConverter = new EncodingFailureConverter();
