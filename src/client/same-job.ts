import type { WorkflowExecutionInfo } from '@temporalio/client';
import { isHashOf } from '../crypto/keyed-hash.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { nameOf } from './job-row.ts';

/**
 * Whether the workflow that stands under the id of a job is that job, with that input. What was started by hand has no hash,
 * and is taken for what it is called. `keyring`: where the hash that is given is not by a key yet.
 * @throws {LockkeeperError} KEY_MISSING
 */
export function isSameJob(
  there: Pick<WorkflowExecutionInfo, 'memo'>,
  job: string,
  inputHash: string | undefined,
  keyring?: Keyring,
): boolean {
  if (nameOf(there) !== job) return false;
  const theirs = there.memo?.['inputHash'];
  return typeof theirs !== 'string' || inputHash === undefined || isHashOf(keyring, theirs, inputHash);
}
