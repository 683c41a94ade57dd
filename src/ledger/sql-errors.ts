/** Which errors of the database mean what. Codes: PostgreSQL documentation, appendix A. */

const codeOf = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);
/** Messages of node-postgres for a connection that ended under a query, or is ended because it does not answer; they carry no code. */
const PG_MESSAGES =
  /Connection terminated|connection error and is not queryable|timeout exceeded when trying to connect|Client was closed|Query read timeout/i;

/** The server that answers only reads: a standby, while a failover is under way. Its connection is of no use any more. */
export const READ_ONLY = '25006';
export const isReadOnly = (error: unknown) => codeOf(error) === READ_ONLY;

/** The ledger is away or the connection was lost: what was asked may or may not have happened. */
export function isConnectionError(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) {
    // 08: connection exceptions; 57P01-57P03: shut down, crashed, starting; 53300: too many connections.
    return (
      NETWORK.has(code) || code.startsWith('08') || /^57P0[1-5]$/.test(code) || ['53300', READ_ONLY].includes(code)
    );
  }
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  return error instanceof Error && PG_MESSAGES.test(error.message);
}

/** The transaction was rolled back because of others and may simply be run again: serialization failure, deadlock. */
export const isRetryableTransaction = (error: unknown) => ['40001', '40P01'].includes(codeOf(error) ?? '');

/** A lock was not to be had within `lock_timeout`. */
export const isLockTimeout = (error: unknown) => codeOf(error) === '55P03';

/** The server could not do it now: out of disk or memory, or not within the time that it gives a statement or a lock. Nothing was done. */
export const isOverburdened = (error: unknown) => /^(53\w{3}|57014|55P03)$/.test(codeOf(error) ?? '');
