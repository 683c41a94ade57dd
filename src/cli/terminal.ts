import pc from 'picocolors';

export type Paint = ReturnType<typeof pc.createColors>;

/** Colours for a stream: only on a terminal, and never against NO_COLOR. */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  return pc.createColors(stream.isTTY === true && !env['NO_COLOR']);
}

/** Results go to standard output: what another program may want to read. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What is told on the way goes to standard error, so that standard output stays clean. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/**
 * A reader that has gone away (`lockkeeper job list | head -1`) is no reason to fall over, and none to give up a deploy:
 * what is still written goes nowhere.
 */
export function surviveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
