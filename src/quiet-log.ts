import { GracefulShutdownPeriodExpiredError } from '@temporalio/worker';
import { LockkeeperError } from './errors.ts';
import type { Logger } from './log.ts';
import { PAYLOAD_UNREADABLE } from './protocol/payloads.ts';

/** A frame of a stack trace: where, and nothing of what. */
const FRAME = /^\s+at .*:\d+:\d+\)?$/;
const HIDDEN = 'not logged, as it is encrypted elsewhere: see the job';

/** What an error of a job, or of its data, says may hold anything: only where it was thrown is logged. */
export function withoutWords(error: unknown): unknown {
  const quiet = new Error(HIDDEN);
  delete quiet.stack;
  try {
    if (isOurs(error)) return error;
    if (isOfConnection(error)) return bare(error);
    if (error instanceof Error) {
      quiet.name = error.name;
      const frames = String(error.stack)
        .replaceAll(error.message, '')
        .split('\n')
        .filter((line) => FRAME.test(line));
      quiet.stack = [`${error.name}: ${HIDDEN}`, ...frames].join('\n');
    }
  } catch {
    // A getter that throws: there is nothing to be told.
  }
  return quiet;
}

/** Without what libraries hang on their errors: an HTTP client the whole request. */
function bare({ name, message, stack, code }: Error & { readonly code: string }): Error {
  return Object.assign(new Error(message), { name, stack, code });
}

/** Errors of keys, of a worker's end and of the server speak of neither jobs nor their data. */
function isOurs(error: unknown): boolean {
  if (error instanceof LockkeeperError) return OF_KEYS.includes(error.code);
  if (error instanceof GracefulShutdownPeriodExpiredError) return true;
  return error instanceof Error && (error as { type?: unknown }).type === PAYLOAD_UNREADABLE;
}

/** Neither do those of connections. A program that was not in time comes with the whole of its command, and has a path. */
function isOfConnection(error: unknown): error is Error & { readonly code: string } {
  if (!(error instanceof Error) || 'path' in error) return false;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && CONNECTION.test(code);
}

const OF_KEYS: readonly string[] = ['KEY_MISSING', 'SEAL_BROKEN', 'PLAINTEXT_REFUSED', 'FENCED'];
/** Of Node's sockets, and the classes of Postgres that tell of its own state. Errors of files and of libraries, EENVELOPE of a mailer, name
 *  what the job works on. */
const CONNECTION =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EADDR[A-Z]+|08\w{3}|57\w{3})$/;

/** Fields that may quote what a job works on. */
const SPOKEN = ['reason', 'why', 'fallback'];

/** For slices of a worker with keys: the log holds nothing of what is encrypted elsewhere. */
export function quietLog(log: Logger): Logger {
  const quiet =
    (level: keyof Logger) =>
    (first: unknown, message?: string, ...more: unknown[]) =>
      log[level](typeof first === 'object' ? quieted(first) : first, message, ...more);
  return { debug: quiet('debug'), info: quiet('info'), warn: quiet('warn'), error: quiet('error') };
}

const quieted = (fields: object | null): object =>
  Object.fromEntries(
    Object.entries(fields ?? {}).map(([name, value]: [string, unknown]) => {
      if (name === 'err') return [name, withoutWords(value)];
      return [name, SPOKEN.includes(name) ? HIDDEN : value];
    }),
  );
