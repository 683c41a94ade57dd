import { GracefulShutdownPeriodExpiredError } from '@temporalio/worker';
import { LockkeeperError } from './errors.ts';
import type { Logger } from './log.ts';
import { PAYLOAD_UNREADABLE } from './protocol/payloads.ts';

/** A frame of a stack trace: where, and nothing of what. */
const FRAME = /^\s+at .*:\d+:\d+\)?$/;
const HIDDEN = 'not logged, as it is encrypted elsewhere: see the job';

/** What an error of a job, or of its data, says may hold anything: only where it was thrown is logged. */
export function withoutWords(error: unknown): unknown {
  if (isOurs(error)) return error;
  const quiet = new Error(HIDDEN);
  delete quiet.stack;
  try {
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

/** Errors of keys, of a worker's end, of the ledger's connection and of the server speak of neither jobs nor their data. */
function isOurs(error: unknown): boolean {
  if (error instanceof LockkeeperError) return OF_KEYS.includes(error.code);
  if (error instanceof GracefulShutdownPeriodExpiredError) return true;
  if (!(error instanceof Error)) return false;
  const { type, code } = error as { type?: unknown; code?: unknown };
  return type === PAYLOAD_UNREADABLE || (typeof code === 'string' && CONNECTION.test(code));
}

const OF_KEYS: readonly string[] = ['KEY_MISSING', 'SEAL_BROKEN', 'PLAINTEXT_REFUSED', 'FENCED'];
/** Of Node's sockets, and the classes of Postgres that tell of its own state. */
const CONNECTION = /^(E[A-Z]+|08\w{3}|57\w{3})$/;

/** Fields that may quote what a job works on. */
const SPOKEN = ['reason', 'why', 'fallback'];

/** For slices of a worker with keys: the log holds nothing of what is encrypted elsewhere. */
export function quietLog(log: Logger): Logger {
  const quiet = (level: keyof Logger) => (first: unknown, message?: string) =>
    log[level](typeof first === 'object' ? quieted(first) : first, message);
  return { debug: quiet('debug'), info: quiet('info'), warn: quiet('warn'), error: quiet('error') };
}

const quieted = (fields: object | null): object =>
  Object.fromEntries(
    Object.entries(fields ?? {}).map(([name, value]: [string, unknown]) => {
      if (name === 'err') return [name, withoutWords(value)];
      return [name, SPOKEN.includes(name) ? HIDDEN : value];
    }),
  );
