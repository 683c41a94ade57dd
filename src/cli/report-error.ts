import { grpcStatus } from '../client/temporal-errors.ts';
import { LockkeeperError, errorMessage, isLockkeeperError } from '../errors.ts';
import { ledgerError } from '../ledger/ledger-errors.ts';

/** gRPC statuses of a server that does not answer. */
const NO_ANSWER = [4, 14];
/** … and of one that does, and says no. */
const DENIED = [7, 16];

/** Errors of Temporal's client and of Postgres about what is set up as our own; others stay what they are. */
export function explainError(error: unknown, env: NodeJS.ProcessEnv = process.env): unknown {
  if (isLockkeeperError(error)) return error;
  const status = grpcStatus(error) ?? -1;
  if (NO_ANSWER.includes(status)) {
    return new LockkeeperError('TEMPORAL_UNREACHABLE', `Temporal does not answer: ${errorMessage(error)}`, {
      next: 'Check TEMPORAL_ADDRESS and that the server runs',
      cause: error,
    });
  }
  if (DENIED.includes(status)) {
    return new LockkeeperError('TEMPORAL_DENIED', `Temporal does not let us do this: ${errorMessage(error)}`, {
      next: 'See what the API key or the certificate may do',
      cause: error,
    });
  }
  return ledgerError(error, env['DATABASE_URL'] ?? '');
}

/**
 * How an error is told: `lockkeeper: <message> [CODE]`, what belongs to it below. With LOCKKEEPER_DEBUG=1 its stack too.
 */
export function formatError(error: unknown, env: NodeJS.ProcessEnv = process.env): string {
  // Ours say of their causes what there is to say.
  const [first = '', ...rest] = (isLockkeeperError(error) ? error.message : errorMessage(error)).split('\n');
  const code = isLockkeeperError(error) ? ` [${error.code}]` : '';
  const stack = env['LOCKKEEPER_DEBUG'] === '1' && error instanceof Error && error.stack ? [error.stack] : [];
  return [`lockkeeper: ${first}${code}`, ...rest, ...stack].join('\n');
}

/** Commander's complaints about the command line in the same form, on one line with its suggestion. */
export const formatUsageError = (text: string): string => `lockkeeper: ${usageMessage(text)} [USAGE]\n`;

export const usageMessage = (text: string): string =>
  text
    .trim()
    .replace(/^error: /, '')
    .replace(/\n+/g, ' ');
