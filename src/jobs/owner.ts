import { LockkeeperError } from '../errors.ts';

/** Longest owner, characters. */
export const OWNER_LIMIT = 200;

/** One address without a name, as it stands in an envelope; the ledger has the same pattern, `is_mail_address`. */
const MAIL_ADDRESS = /^[^\s@<>()[\],;:\\"]+@[^\s@<>()[\],;:\\"]+$/;

/** Whether mail can be sent to an owner: it is an address, and not the name of a person or a team. */
export const isMailAddress = (owner: string): boolean => MAIL_ADDRESS.test(owner) && !/\p{Cc}/u.test(owner);

const isOwner = (owner: unknown): owner is string =>
  typeof owner === 'string' &&
  owner !== '' &&
  owner.length <= OWNER_LIMIT &&
  owner === owner.trim() &&
  owner.isWellFormed() &&
  !/\p{Cc}/u.test(owner);

/**
 * The owner of a job is a name or a mail address; it stands in the ledger and in notices.
 * @throws {LockkeeperError} USAGE
 * @example checkJobOwner('ada@example.org')
 */
export function checkJobOwner(owner: unknown): string {
  if (isOwner(owner)) return owner;
  const found = typeof owner === 'string' && owner.length > 60 ? `${owner.length} characters` : JSON.stringify(owner);
  throw new LockkeeperError('USAGE', `the owner of a job is ${found}`, {
    next: `Give it a name or a mail address of 1 to ${OWNER_LIMIT} characters, without control characters or spaces at its ends, or none`,
  });
}

/** Of a workflow that anybody may have started: what cannot be an owner is none. */
export const ownerOf = (given: unknown): string | undefined => (isOwner(given) ? given : undefined);
