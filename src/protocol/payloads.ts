import { RawValue, defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from '@temporalio/common';

/** What payloads of Temporal are when they are encrypted, as far as workflows and clients must know of it. */

/** The encoding of an encrypted payload. A name of our own: codecs of others, whose `binary/encrypted` it is not, let it pass. */
export const ENCRYPTED = 'binary/lockkeeper-encrypted';

/** The type of the failure with which a task is refused whose payload cannot be decrypted; the SDK takes it from the error's class. */
export const PAYLOAD_UNREADABLE = 'PayloadUnreadable';

/** Stands, in what a client that only looks is given, for a value that it cannot decrypt. */
export interface Unreadable {
  readonly lockkeeperUnreadable: { readonly code: 'KEY_MISSING' | 'SEAL_BROKEN'; readonly message: string };
}

export const isUnreadable = (value: unknown): value is Unreadable =>
  typeof value === 'object' && value !== null && 'lockkeeperUnreadable' in value;

/** Ids of the workflows of deploys: what they are told and tell stays readable, for scripts and people talk to them. */
const OF_DEPLOYS = ['deploy-coordinator/', 'deploy-run/', 'deploy-step/'];

export const isOfDeploys = (workflowId: string): boolean =>
  OF_DEPLOYS.some((beginning) => workflowId.startsWith(beginning));

/** In the metadata of what is to stay readable. */
const READABLE = 'lockkeeper-readable';

/** Whether no codec is to encrypt it. */
export const isReadable = ({ metadata }: Payload): boolean => metadata?.[READABLE] !== undefined;

/**
 * A memo of names and numbers, for lists of workflows, which everybody reads, also who has no keys. What stands in it is not
 * encrypted.
 */
export const readableMemo = (memo: Readonly<Record<string, string | number>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(memo).map(([name, value]) => [name, readable(value)]));

function readable(value: string | number): RawValue {
  const payload = defaultPayloadConverter.toPayload(value);
  return RawValue.fromPayload({ ...payload, metadata: { ...payload.metadata, [READABLE]: new Uint8Array([1]) } });
}
