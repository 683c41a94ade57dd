import { TestRunner, afterAll, onTestFinished } from 'vitest';

/**
 * Runs `act` at the end of the test, or of the file when called outside of a test (at its top level, not in a hook). What
 * was asked for last runs first. An error fails the test or the file.
 */
export function atEnd(act: () => Promise<void> | void): void {
  if (TestRunner.getCurrentTest()) onTestFinished(act);
  else afterAll(act);
}
