import { z } from 'zod';
import { errorMessage, isLockkeeperError } from '../../errors.ts';
import { EXIT, exitCodeOfError } from '../exit-codes.ts';

/** An error that has no name of its own. */
const UNEXPECTED = 'UNEXPECTED';

export const ErrorOutput = z.object({
  error: z.object({
    code: z.string().describe('stable; those that `lockkeeper help exit-codes` shows, or `UNEXPECTED`'),
    message: z.string().describe('for people'),
    next: z.string().describe('what to do about it').optional(),
    exitCode: z.number(),
  }),
});

/** An error as programs read it. */
export function errorJson(error: unknown): z.infer<typeof ErrorOutput> {
  const exitCode = exitCodeOfError(error);
  if (!isLockkeeperError(error)) return { error: { code: UNEXPECTED, message: errorMessage(error), exitCode } };
  const { code, next } = error;
  const message = next === undefined ? error.message : error.message.slice(0, -next.length - 2);
  return { error: { code, message, ...(next !== undefined && { next }), exitCode } };
}

/** A command line that Commander refused. */
export const usageJson = (message: string): z.infer<typeof ErrorOutput> => ({
  error: { code: 'USAGE', message, exitCode: EXIT.usage },
});
