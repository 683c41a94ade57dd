import { pino } from 'pino';
import type { Logger as PinoLogger } from 'pino';

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>;

/** Keys whose values never reach a log. */
const SECRETS = [
  'databaseUrl',
  'password',
  'apiKey',
  'taskToken',
  '*.databaseUrl',
  '*.password',
  '*.apiKey',
  '*.taskToken',
];

/** JSON lines on standard error; `LOG_LEVEL` chooses the level. */
export function createLogger(bindings: Record<string, unknown> = {}): Logger {
  return pino(
    {
      level: process.env['LOG_LEVEL'] ?? 'info',
      redact: SECRETS,
      timestamp: pino.stdTimeFunctions.isoTime,
      base: bindings,
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
