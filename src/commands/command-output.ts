import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { openPipe, type OutputPipe } from './output-pipe.ts';

/** After the guard has ended, output that stays silent this long is over, though a daemon still holds it open. */
const SILENCE = 1_000;

/** One output of a command on its way to a callback. */
export interface CommandOutput {
  /** What the guard gets for it, in the terms of `spawn`'s `stdio`. */
  readonly stdio: number | 'pipe' | 'ignore';
  /** Once the guard is there; `socket` is what `spawn` made of a `'pipe'`. */
  attach(socket: Readable | null): void;
  /** Resolves when all of it has been handed on. Call it once the guard has ended. */
  drained(): Promise<void>;
}

/**
 * Opens the way of one output.
 *
 * @param onChunk gets every chunk in order; without it the output is thrown away.
 * @param onError gets what `onChunk` threw, and failures of reading; nothing is handed on after it.
 */
export async function openOutput(
  onChunk: ((chunk: Buffer) => void) | undefined,
  onError: (error: unknown) => void,
): Promise<CommandOutput> {
  if (!onChunk) return { stdio: 'ignore', attach: () => undefined, drained: () => Promise.resolve() };
  // A declared fallback: without a named pipe a socket does nearly as well, see openPipe.
  const pipe: OutputPipe | undefined = await openPipe().catch(() => undefined);
  let reader: Readable | undefined = pipe?.reader;
  let lastChunk = 0;

  return {
    stdio: pipe?.writeFd ?? 'pipe',
    attach(socket) {
      if (pipe) closeSync(pipe.writeFd);
      reader ??= socket ?? undefined;
      reader?.on('error', onError).on('data', (chunk: Buffer) => {
        lastChunk = performance.now();
        try {
          onChunk(chunk);
        } catch (error) {
          reader?.destroy();
          onError(error);
        }
      });
    },
    drained: () =>
      new Promise((resolve) => {
        if (!reader || reader.closed) return resolve();
        reader.once('close', resolve);
        lastChunk = performance.now();
        const look = setInterval(() => {
          // In the next phase of the loop: after a blocked loop the timer comes before what is already there to be read.
          setImmediate(() => {
            if (performance.now() - lastChunk >= SILENCE) reader?.destroy();
          });
        }, SILENCE / 4);
        reader.once('close', () => clearInterval(look));
      }),
  };
}
