import pc from 'picocolors';

export type Paint = ReturnType<typeof pc.createColors>;

interface MaybeTerminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Colours for a stream: on a terminal, or where FORCE_COLOR asks for them, and never against NO_COLOR. */
export function paintFor(stream: MaybeTerminal, env: NodeJS.ProcessEnv = process.env): Paint {
  const forced = env['FORCE_COLOR'];
  const wanted = forced ? isOn(forced) : stream.isTTY === true && env['TERM'] !== 'dumb';
  return pc.createColors(wanted && !env['NO_COLOR']);
}

/** Whether a person sees this stream in a place where something can be redrawn. A CI system may bring a terminal, too. */
export function isLive(stream: MaybeTerminal, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && env['TERM'] !== 'dumb' && !isOn(env['CI']);
}

const isOn = (value: string | undefined) => !['', '0', 'false', undefined].includes(value);

/** The width of a terminal; undefined where lines may be as long as they like. */
export const widthOf = (stream: MaybeTerminal): number | undefined => (stream.isTTY ? stream.columns : undefined);

/** Results go to standard output: what another program may want to read. */
export function print(text: string): void {
  writeLine(process.stdout, text);
}

/** What is told on the way goes to standard error, so that standard output stays clean. */
export function tell(text: string): void {
  writeLine(process.stderr, text);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

const NEWLINE = 0x0a;
/** Where a command has begun a line and not ended it. Two streams that are both the terminal are one screen. */
const openLines = new Set<unknown>();
const screenOf = (stream: NodeJS.WriteStream) => (stream.isTTY ? 'terminal' : stream);

/** The output of somebody else's command, unchanged. */
export function passThrough(stream: NodeJS.WriteStream, chunk: Buffer): void {
  stream.write(chunk);
  if (chunk.at(-1) === NEWLINE) openLines.delete(screenOf(stream));
  else if (chunk.length > 0) openLines.add(screenOf(stream));
}

/** What we say ourselves is a line of its own, also after a command's `printf`. */
function writeLine(stream: NodeJS.WriteStream, text: string): void {
  stream.write(`${openLines.delete(screenOf(stream)) ? '\n' : ''}${text}\n`);
}

/**
 * A reader that has gone away (`lockkeeper job list | head -1`) is no reason to fall over, and none to give up a deploy:
 * what is still written goes nowhere.
 */
export function surviveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // EIO: the terminal itself is gone.
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
}
