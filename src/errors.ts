/**
 * Every error of lockkeeper, each with a stable code. A message says what was found, what was expected and what to do.
 * Across Temporal an error travels as an `ApplicationFailure` whose `type` is the code: match on that, never on a class.
 */
export const ERROR_CODES = [
  'CONFIG_INVALID',
  'DEFINITION_INVALID',
  'SETTING_BREAKS_LAW',
  'TEMPORAL_UNREACHABLE',
  'TEMPORAL_TOO_OLD',
  'TEMPORAL_CONFIG_INVALID',
  'TEMPORAL_TLS',
  'TEMPORAL_DENIED',
  'TEMPORAL_NAMESPACE_MISSING',
  'TEMPORAL_BINARY_MISSING',
  'LEDGER_UNREACHABLE',
  'LEDGER_DENIED',
  'LEDGER_DATABASE_MISSING',
  'LEDGER_SCHEMA',
  'POSTGRES_TOO_OLD',
  'LEDGER_WRONG_CLUSTER',
  'LEDGER_POOLED',
  'QUEUE_OF_ANOTHER_ENVIRONMENT',
  'GATE_OWNED_BY_ANOTHER',
  'BRAKE_OF_ANOTHER_LEDGER',
  'PORT_TAKEN',
  'JOB_UNKNOWN',
  'JOB_INPUT_INVALID',
  'JOB_FAILED',
  'JOB_EXISTS',
  'JOB_NOT_FOUND',
  'JOB_QUARANTINED',
  'GRAPH_UNKNOWN',
  'GRAPH_INVALID',
  'GRAPH_FAILED',
  'GRAPH_EXISTS',
  'GRAPH_NOT_FOUND',
  'FENCED',
  'STATE_INVALID',
  'STATE_TOO_LARGE',
  'KEYRING_MISSING',
  'KEYRING_INVALID',
  'KEY_MISSING',
  'SEAL_BROKEN',
  'PLAINTEXT_REFUSED',
  'TRANSACTION_NOT_ITERATED',
  'TRANSACTION_WITHOUT_SAVE',
  'TRANSACTION_NESTED',
  'YIELD_IN_FINALLY',
  'DEPLOY_CONFLICT',
  'DEPLOY_INVALID',
  'DEPLOY_NOT_FOUND',
  'DEPLOY_NOT_CURRENT',
  'DEPLOY_NOT_APPROVED',
  'APPROVAL_REFUSED',
  'LEASE_TAKEN',
  'LEASE_LOST',
  'STEP_FAILED',
  'TIMED_OUT',
  'NO_DEPLOY_WORKER',
  'USAGE',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** The one base error. `code` is stable; `message` is for people; `next` is what to do about it. */
export class LockkeeperError extends Error {
  readonly code: ErrorCode;
  readonly next: string | undefined;

  constructor(code: ErrorCode, message: string, options: { next?: string; cause?: unknown } = {}) {
    super(options.next ? `${message}${message.endsWith('\n') ? '' : '. '}${options.next}` : message, {
      cause: options.cause,
    });
    this.name = 'LockkeeperError';
    this.code = code;
    this.next = options.next;
  }
}

export function isLockkeeperError(error: unknown, code?: ErrorCode): error is LockkeeperError {
  return error instanceof LockkeeperError && (code === undefined || error.code === code);
}

/** Causes that are followed; there may be a circle of them. */
const CAUSES = 5;

/** The message of anything thrown, with its causes: `a: b: c`. Never throws. */
export function errorMessage(error: unknown, causes = CAUSES): string {
  try {
    if (!(error instanceof Error)) return String(error);
    const own =
      error.message ||
      (error instanceof AggregateError ? error.errors.map((one) => errorMessage(one, 0)).join('; ') : error.name);
    const cause = causes > 0 && error.cause instanceof Error ? errorMessage(error.cause, causes - 1) : undefined;
    return cause && !own.includes(cause) ? `${own}: ${cause}` : own;
  } catch (unreadable) {
    return `an error whose message could not be read${unreadable instanceof Error ? `: ${unreadable.message}` : ''}`;
  }
}

/** What a log or a failure can hold of a message and of a stack, characters. */
const LONGEST = 4_000;

/** Anything thrown as an error that can be logged and sent: its words and its stack, and nothing else of it. */
export function readableError(error: unknown): Error {
  const readable = new Error(errorMessage(error).slice(0, LONGEST));
  try {
    if (error instanceof Error) {
      readable.name = String(error.name);
      readable.stack = String(error.stack).slice(0, LONGEST);
    }
  } catch {
    // A getter that throws: there is nothing to be told beyond the message.
    delete readable.stack;
  }
  return readable;
}
