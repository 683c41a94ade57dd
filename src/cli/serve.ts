import type { Logger } from '../log.ts';
import type { LockkeeperWorker } from '../workers/worker.ts';
import { readableError } from '../errors.ts';
import { EXIT } from './exit-codes.ts';
import { stopOnSignals } from './signals.ts';

/** Runs a worker until a signal stops it; 1 when slices had to be given up or a part of it failed. */
export async function serve(worker: LockkeeperWorker, log: Logger): Promise<number> {
  // Node would end the process, and with it the slices of every other job.
  process.on('unhandledRejection', (error) =>
    log.error(
      { err: readableError(error) },
      'a promise was rejected and nobody awaited it: some job, or its library, forgot to',
    ),
  );
  const { signal } = stopOnSignals();
  signal.addEventListener('abort', () => worker.shutdown(String(signal.reason)), { once: true });
  try {
    await worker.run();
    return EXIT.ok;
  } catch (error) {
    log.error({ err: error }, 'the worker failed');
    return EXIT.failed;
  }
}
